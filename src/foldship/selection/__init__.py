"""Selection: blend weights and post-processing, fitted on out-of-fold predictions and scored honestly."""

from foldship.selection.choose import (
    DISTRIBUTIONS,
    FILE_NAME,
    NESTED,
    OUT_OF_FOLD,
    Selection,
    add_blends,
    fit_blend,
    run,
)

__all__ = [
    "DISTRIBUTIONS",
    "FILE_NAME",
    "NESTED",
    "OUT_OF_FOLD",
    "Selection",
    "add_blends",
    "fit_blend",
    "run",
]
