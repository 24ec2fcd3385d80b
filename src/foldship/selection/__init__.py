"""Selection: blend weights and post-processing, fitted on out-of-fold predictions and scored honestly."""

from foldship.selection.choose import (
    DISTRIBUTIONS,
    FILE_NAME,
    NESTED,
    OUT_OF_FOLD,
    Selection,
    add_blends,
    check,
    fit_blend,
    run,
)
from foldship.selection.unfitted import is_scored, run_unfitted

__all__ = [
    "DISTRIBUTIONS",
    "FILE_NAME",
    "NESTED",
    "OUT_OF_FOLD",
    "Selection",
    "add_blends",
    "check",
    "fit_blend",
    "is_scored",
    "run",
    "run_unfitted",
]
