"""Predictions to quantiles and back, by a stored grid: what becomes of a row depends on no other row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Grid = NDArray[np.float64]
Table = NDArray[np.float64]


def of(predictions: Table, grid: Grid) -> Table:
    """The share of the grid's rows that each value exceeds, column by column.

    Args:
        predictions: (n, C).
        grid: (C, Q) float64; row c holds the values of column c at Q evenly spread quantiles, from the
            smallest to the largest.

    Returns:
        (n, C) float64 from 0 to 1, interpolated linearly. A value that the grid holds several times has the
        mean of their quantiles; beyond the grid's ends it is 0 or 1.
    """
    levels = np.linspace(0.0, 1.0, grid.shape[1])
    result = np.empty(predictions.shape)
    for column, row in enumerate(grid):
        known, first, counts = np.unique(row, return_index=True, return_counts=True)
        middle = (levels[first] + levels[first + counts - 1]) / 2
        result[:, column] = np.interp(predictions[:, column], known, middle)
    return result


def values(shares: Table, grid: Grid) -> Table:
    """The values (n, C) that have these quantiles (n, C) in a grid (C, Q)."""
    levels = np.linspace(0.0, 1.0, grid.shape[1])
    columns = [np.interp(shares[:, column], levels, row) for column, row in enumerate(grid)]
    return np.stack(columns, axis=1)


def checked(value: Any, targets: int) -> Grid:
    """A grid as it was stored.

    Raises:
        ValueError: it is not (targets, at least 2), not finite, or falls somewhere.
    """
    grid = np.asarray(value, dtype=np.float64)
    if grid.ndim != 2 or len(grid) != targets or grid.shape[1] < 2:
        raise ValueError(f"a quantile grid of shape {grid.shape} for {targets} targets")
    if not np.isfinite(grid).all() or (np.diff(grid, axis=1) < 0).any():
        raise ValueError("a quantile grid that does not rise")
    return grid
