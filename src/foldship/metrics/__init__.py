"""The scores that models are chosen by: column by column, or of a table of classes as a whole."""

from foldship.metrics.base import Array, Score, is_constant, mean_of_known, mean_score
from foldship.metrics.ranks import centred_ranks, column_spearman, correlate, mean_spearman, spearman
from foldship.metrics.registry import OfClasses, OfColumns, build, decision

__all__ = [
    "Array",
    "OfClasses",
    "OfColumns",
    "Score",
    "build",
    "centred_ranks",
    "column_spearman",
    "correlate",
    "decision",
    "is_constant",
    "mean_of_known",
    "mean_score",
    "mean_spearman",
    "spearman",
]
