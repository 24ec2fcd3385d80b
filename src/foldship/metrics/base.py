"""What all scores have in common."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Score = Callable[[Array, Array], Array]
"""Truth (n, C) and prediction (n, C) to one score per column, (C,): more is better, NaN cannot be scored."""


def is_constant(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which columns of (n, C) hold one value only: (C,) bool."""
    if not len(values):
        return np.ones(values.shape[1], dtype=np.bool_)
    return np.asarray((values == values[0]).all(axis=0))


def mean_of_known(values: Array) -> Array:
    """Mean over the first axis; what is NaN is passed over, and stays NaN where there is nothing else."""
    known = ~np.isnan(values)
    total, count = np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0)
    return np.asarray(np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0))


def mean_score(scores: Array) -> float:
    """Mean over the folds of the mean over the columns that can be scored; of (F, C)."""
    return float(mean_of_known(mean_of_known(scores.T)[:, None])[0])
