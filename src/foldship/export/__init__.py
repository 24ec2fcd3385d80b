"""From trained folds to optimised half-precision graphs that are proven to predict the same."""

from foldship.export.pipeline import run

__all__ = ["run"]
