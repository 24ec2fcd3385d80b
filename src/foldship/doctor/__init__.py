"""What would go wrong on Kaggle, asked before anything is spent: one rule a file."""

from __future__ import annotations

from foldship.doctor.evidence import Evidence
from foldship.doctor.examination import Diagnosis, examine
from foldship.doctor.finding import Finding, Level

__all__ = ["Diagnosis", "Evidence", "Finding", "Level", "examine"]
