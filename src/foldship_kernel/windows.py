"""A text that does not fit into one sequence, read through windows that slide over it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def lay(
    lengths: NDArray[np.int64], sizes: NDArray[np.int64], chunks: int, stride: int | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lay windows over texts, so that the first begins where a text begins and the last ends where it ends.

    Args:
        lengths: (texts,) tokens of each text.
        sizes: (texts,) tokens of a window over it.
        chunks: most windows of a text. Where more are needed, those in between are left out evenly.
        stride: tokens from the beginning of a window to that of the next; never more than a window, so that
            nothing is skipped. None for windows that do not overlap, but for the last.

    Returns:
        counts: (texts,) windows of each text, at least one.
        starts: (windows,) where each window begins, text after text.
    """
    left = np.maximum(lengths - sizes, 0)
    step = np.maximum(sizes if stride is None else np.minimum(sizes, stride), 1)
    needed = np.where(sizes > 0, 1 + -(-left // step), 1)
    counts = np.minimum(needed, chunks)
    gaps, last, step, left = (
        np.repeat(values, counts) for values in (np.maximum(counts - 1, 1), needed - 1, step, left)
    )
    chosen = (2 * numbers(counts) * last + gaps) // (2 * gaps)  # rounded to the nearest
    return counts, np.minimum(chosen * step, left)


def numbers(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1, ... up to each count, one after another."""
    return np.arange(counts.sum(), dtype=np.int64) - np.repeat(np.cumsum(counts) - counts, counts)
