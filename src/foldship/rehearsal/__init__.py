"""Rehearsal: run a bundle in a sealed sandbox laid out like Kaggle, and judge what it did."""

from __future__ import annotations

from foldship.rehearsal.evidence import Finding, Promise
from foldship.rehearsal.simulation import simulate
from foldship.rehearsal.verdict import Verdict

__all__ = ["Finding", "Promise", "Verdict", "simulate"]
