"""The arithmetic of an encoder: what its time is projected from, and what a machine's speed is told in."""

from __future__ import annotations

PADDING = 1.03  # padded tokens by real ones, when batches are sorted by length


def per_token(*, layers: int, width: int, intermediate: int, length: float) -> float:
    """Floating-point operations for one token of a sequence of `length` tokens.

    Per layer: four projections of attention (8 width^2), two of the feed-forward network
    (4 width intermediate), and each token's scores and sums over the sequence (4 width length).
    """
    return layers * (8 * width**2 + 4 * width * intermediate + 4 * width * length)
