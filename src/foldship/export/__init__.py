"""From trained folds to optimised half-precision graphs that are proven to predict the same."""

from foldship.export import embedder
from foldship.export.pipeline import run
from foldship.export.samples import Rows, held_out

__all__ = ["Rows", "embedder", "held_out", "run"]
