"""The truth's rank as a smooth function of the predicted one.

What tying gains is a difference of sums over rows, and with ten rows that are not at the bottom the best
bounds on the rows at hand are luck. Here the truth's ranks, scaled to 0..1, are regressed on powers of the
normal score of the prediction (a logistic curve; degree 1 is the binormal model of ROC curves, Dorfman and
Alf 1969, as one regression), and the bounds are those that are best for the curve. Normal scores spread out
the few rows at the ends that decide about rare levels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtri

from foldship.selection.ranks import Ranked

Column = NDArray[np.float64]

SHRINKAGE = 1.0  # ridge on the powers above the first, per unit of variance; on the first a tenth of it
MOST_STEPS, CLOSE = 50, 1e-6  # of Newton's method
CELL = 0.02  # normal scores as close as this count as one
KNOTS = 33
DEGREE = 3


def expected(column: Ranked, degree: int) -> Column:
    """What the truth's rank is on average where the prediction has this rank.

    Args:
        column: neither truth nor prediction constant.
        degree: highest power of the normal score, at least 1. From 2 on the curve may turn.

    Returns:
        (n,) float64 in (0, 1), in the order of the predictions; equal predictions have equal values.
    """
    low, high = column.target.min(), column.target.max()
    count = len(column.target)
    score = np.round(ndtri((column.rank + count / 2) / count) / CELL)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(score)) + 1])
    rows = np.diff(starts, append=count)
    target = (np.add.reduceat(column.target, starts) / rows - low) / (high - low)
    cells = score[starts] * CELL
    powers = np.stack([cells**power for power in range(1, degree + 1)], axis=1)
    powers /= np.sqrt(np.maximum(rows @ powers**2 / count, CELL))
    value = _logistic(np.column_stack([np.ones(len(cells)), powers]), target, rows)
    return np.repeat(value, rows)


def _logistic(design: NDArray[np.float64], target: Column, rows: NDArray[np.int64]) -> Column:
    """Fitted values (m,) of a logistic regression; design (m, 1 + degree), target (m,) and rows of each."""
    penalty = np.full(design.shape[1], SHRINKAGE)
    penalty[:2] = 0.0, SHRINKAGE / 10
    mean = target @ rows / rows.sum()
    weights = np.zeros(design.shape[1])
    weights[0] = np.log(mean / (1 - mean))

    def likelihood(tried: Column) -> float:
        logit = design @ tried
        return float(rows @ (target * logit - np.logaddexp(0.0, logit)) - penalty @ tried**2 / 2)

    reached = likelihood(weights)
    for _ in range(MOST_STEPS):
        value = expit(design @ weights)
        gradient = design.T @ (rows * (target - value)) - penalty * weights
        curvature = (design * (rows * value * (1 - value))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.lstsq(curvature, gradient, rcond=None)[0]
        before = reached
        while (reached := likelihood(weights + step)) < before and np.abs(step).max() > CLOSE:
            step /= 2  # Newton's method overshoots where the curve is nearly flat
        weights += step
        if reached - before < CLOSE:
            break
    return np.asarray(expit(design @ weights))


def fit(truth: Column, prediction: Column) -> dict[str, Any] | None:
    """The curve itself as a step, at `KNOTS` quantiles of the predictions; it may turn, unlike other kinds.

    Args:
        truth, prediction: (n,) float64.

    Returns:
        A step without its target; None when nothing varies.
    """
    column = Ranked.of(truth, prediction)
    if column.is_constant:
        return None
    value, first = np.unique(column.value, return_index=True)
    level = expected(column, DEGREE)[first]
    places = np.unique(np.linspace(0, len(value) - 1, KNOTS).round().astype(int))
    if len(places) < 2:
        return None
    return {"kind": "curve", "x": value[places].tolist(), "y": level[places].tolist()}
