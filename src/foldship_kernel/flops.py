"""The arithmetic of an encoder: what its time is projected from, and what a machine's speed is told in."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Length = TypeVar("Length", float, NDArray[np.float64])

PADDING = 1.03  # padded tokens by real ones, when batches are sorted by length


def per_token(*, layers: int, width: int, intermediate: int, length: Length) -> Length:
    """Floating-point operations for one token of a sequence of `length` tokens, or of several such.

    Per layer: four projections of attention (8 width^2), two of the feed-forward network
    (4 width intermediate), and each token's scores and sums over the sequence (4 width length).
    """
    return layers * (8 * width**2 + 4 * width * intermediate + 4 * width * length)


def of_sequences(lengths: NDArray[np.int64], *, layers: int, width: int, intermediate: int) -> float:
    """Floating-point operations for sequences of so many tokens each, without padding."""
    sizes = lengths.astype(np.float64)
    cost = per_token(layers=layers, width=width, intermediate=intermediate, length=sizes)
    return float((sizes * cost).sum())
