"""Runs: what was tried and what it scored, kept when the weights are long overwritten."""

from foldship.runs.board import Run, find, load, load_all
from foldship.runs.record import write

__all__ = ["Run", "find", "load", "load_all", "write"]
