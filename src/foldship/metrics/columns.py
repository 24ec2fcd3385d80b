"""Scores of a column of numbers. More is better: what is an error counts with a minus sign.

A column of which the truth holds one value only cannot be correlated or told apart: its score is NaN. A
constant prediction of a truth that varies is scored 0 by a correlation, as by `ranks.spearman`. A prediction
that is no finite number makes the score NaN.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy
from sklearn import metrics as sklearn

from foldship.metrics.base import Array, is_constant
from foldship.metrics.ranks import correlate, spearman
from foldship_kernel.decisions import HALF, SIDE, WHOLE, decide

Column = NDArray[np.float64]
SMALLEST = 1e-15  # distance of a probability from 0 and 1, so that its logarithm is finite


def pearson(truth: Array, prediction: Array) -> Array:
    """Pearson's correlation of each column, (C,)."""
    centred = [table - table.mean(axis=0) for table in (truth, prediction)]
    # What is constant is left with rounding errors, which must not be correlated.
    flat = [is_constant(table) for table in (truth, prediction)]
    found = correlate(*(_scaled(table) for table in centred))
    wrong = ~np.isfinite(prediction).all(axis=0)
    return np.where(flat[0] | wrong, np.nan, np.where(flat[1], 0.0, found))


def _scaled(centred: Array) -> Array:
    """Columns with a largest entry of 1: squares of very large or small numbers are none."""
    largest = np.abs(centred).max(axis=0, initial=0.0)
    return np.asarray(np.divide(centred, largest, out=np.zeros_like(centred), where=largest > 0))


def rmse(truth: Column, prediction: Column) -> float:
    """Root of the mean squared error, negative."""
    return -float(np.sqrt(np.mean((truth - prediction) ** 2)))


def mae(truth: Column, prediction: Column) -> float:
    """Mean absolute error, negative."""
    return -float(np.mean(np.abs(truth - prediction)))


def log_loss(truth: Column, prediction: Column) -> float:
    """Binary cross-entropy of probabilities, negative; the truth may lie anywhere from 0 to 1."""
    clipped = np.clip(prediction, SMALLEST, 1 - SMALLEST)
    return float(np.mean(xlogy(truth, clipped) + xlogy(1 - truth, 1 - clipped)))


def auc(truth: Column, prediction: Column) -> float:
    """Area under the ROC curve; the truth is positive above 0.5."""
    positive = truth > HALF
    if positive.all() or not positive.any():
        return float("nan")
    return float(sklearn.roc_auc_score(positive, prediction))


def average_precision(truth: Column, prediction: Column) -> float:
    """Area under the precision-recall curve by steps; NaN without a positive."""
    positive = truth > HALF
    return float(sklearn.average_precision_score(positive, prediction)) if positive.any() else float("nan")


def f1(truth: Column, prediction: Column) -> float:
    """F1 of what lies above 0.5; 0 where nothing does."""
    positive, found = decide(SIDE, truth), decide(SIDE, prediction)
    total = int(positive.sum() + found.sum())
    return 2 * int((positive * found).sum()) / total if total else 0.0


def accuracy(truth: Column, prediction: Column) -> float:
    """Share of rows on the same side of 0.5."""
    return float(np.mean(decide(SIDE, truth) == decide(SIDE, prediction)))


def qwk(truth: Column, prediction: Column) -> float:
    """Quadratic weighted kappa of rounded numbers (half goes up); NaN where both hold one same number."""
    first, second = (decide(WHOLE, values).astype(np.int64) for values in (truth, prediction))
    return kappa(first, second)


def kappa(first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    """Cohen's kappa with quadratic weights: 1 less the mean squared distance over what chance would give.

    Source: https://doi.org/10.1037/h0026256. In this form no table of levels is needed.
    """
    one, other = first.astype(np.float64), second.astype(np.float64)
    chance = one.var() + other.var() + (one.mean() - other.mean()) ** 2
    return 1 - float(np.mean((one - other) ** 2) / chance) if chance > 0 else float("nan")


ONE: dict[str, Callable[[Column, Column], float]] = {
    "rmse": rmse,
    "mae": mae,
    "log_loss": log_loss,
    "auc": auc,
    "average_precision": average_precision,
    "f1": f1,
    "accuracy": accuracy,
    "qwk": qwk,
}
ALL: dict[str, Callable[[Array, Array], Array]] = {"spearman": spearman, "pearson": pearson}
NAMES = (*ALL, *ONE)
# Of these the rows' order, or their place among all, makes the score.
OF_ORDER = frozenset({*ALL, "auc", "average_precision"})
# How these decide what a number means before they compare it: `foldship_kernel.decisions`.
DECIDING = {"f1": SIDE, "accuracy": SIDE, "qwk": WHOLE}


def score(name: str, truth: Array, prediction: Array) -> Array:
    """Score of each column, (C,), by the metric of this name."""
    if name in ALL:
        return ALL[name](truth, prediction)
    return np.array([_one(name, *pair) for pair in zip(truth.T, prediction.T, strict=True)])


def _one(name: str, truth: Column, prediction: Column) -> float:
    return ONE[name](truth, prediction) if len(truth) and np.isfinite(prediction).all() else float("nan")
