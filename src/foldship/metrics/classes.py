"""Scores of a table of classes as a whole. More is better: the log loss counts with a minus sign.

The truth has a 1 for the class of each row, the prediction a probability for each class; what is predicted is
the likeliest, the first of equals. A prediction that is no finite number makes the score NaN.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sklearn

from foldship.metrics import columns
from foldship.metrics.base import Array
from foldship_kernel.decisions import HALF

Chosen = NDArray[np.bool_]  # (C,), classes that count


def accuracy(truth: Array, prediction: Array, counted: Chosen, k: int) -> float:
    """Share of rows whose class is the likeliest one; rows of classes that do not count are left out."""
    rows = counted[truth.argmax(axis=1)]
    return float((truth.argmax(axis=1) == prediction.argmax(axis=1))[rows].mean()) if rows.any() else np.nan


def micro_f1(truth: Array, prediction: Array, counted: Chosen, k: int) -> float:
    """F1 over the decisions for all classes together; NaN where none that counts is there or predicted."""
    right, present, predicted = _counts(truth, prediction, counted)
    total = present.sum() + predicted.sum()
    return float(2 * right.sum() / total) if total else float("nan")


def macro_f1(truth: Array, prediction: Array, counted: Chosen, k: int) -> float:
    """Mean F1 of the classes that are there or predicted."""
    return _mean_f1(*_counts(truth, prediction, counted), None)


def weighted_f1(truth: Array, prediction: Array, counted: Chosen, k: int) -> float:
    """Mean F1 of the classes, each weighing as many rows as it has."""
    right, present, predicted = _counts(truth, prediction, counted)
    return _mean_f1(right, present, predicted, present)


def log_loss(truth: Array, prediction: Array, counted: Chosen, k: int) -> float:
    """Mean logarithm of the probability of the true class."""
    own = (truth * prediction).sum(axis=1) / prediction.sum(axis=1)
    return float(np.log(np.clip(own, columns.SMALLEST, 1.0)).mean())


def auc(truth: Array, prediction: Array, counted: Chosen, k: int) -> float:
    """Mean area under the ROC curve of each class against the others, where both are there."""
    return _mean(columns.auc, truth, prediction, counted)


def auprc(truth: Array, prediction: Array, counted: Chosen, k: int) -> float:
    """Mean area under the precision-recall curve of the classes that are there, by trapezoids.

    As KLUE scores relation extraction: https://github.com/KLUE-benchmark/KLUE-baseline, klue_re_auprc.
    """
    return _mean(_trapezoids, truth, prediction, counted)


def average_precision(truth: Array, prediction: Array, counted: Chosen, k: int) -> float:
    """Mean area under the precision-recall curve of the classes that are there, by steps."""
    return _mean(columns.average_precision, truth, prediction, counted)


def map_at_k(truth: Array, prediction: Array, counted: Chosen, k: int) -> float:
    """Mean over the rows of 1 / rank of the true class, 0 beyond rank `k`; equals rank in their order."""
    order = np.argsort(-prediction, axis=1, kind="stable")
    rank = 1 + (order == truth.argmax(axis=1)[:, None]).argmax(axis=1)
    return float(np.where(rank <= k, 1 / rank, 0.0).mean())


def qwk(truth: Array, prediction: Array, counted: Chosen, k: int) -> float:
    """Quadratic weighted kappa; the classes are steps of a scale, in order."""
    return columns.kappa(truth.argmax(axis=1), prediction.argmax(axis=1))


ONE: dict[str, Callable[[Array, Array, Chosen, int], float]] = {
    "accuracy": accuracy,
    "micro_f1": micro_f1,
    "macro_f1": macro_f1,
    "weighted_f1": weighted_f1,
    "log_loss": log_loss,
    "auc": auc,
    "auprc": auprc,
    "average_precision": average_precision,
    "map": map_at_k,
    "qwk": qwk,
}
NAMES = tuple(ONE)
OF_ORDER = frozenset({"auc", "auprc", "average_precision"})
OF_SCORES = OF_ORDER | {"log_loss"}  # the others look at the likeliest classes alone
WITHOUT = OF_ORDER | {"accuracy", "micro_f1", "macro_f1", "weighted_f1"}  # these can leave classes out


def score(name: str, truth: Array, prediction: Array, counted: Chosen, k: int) -> float:
    """The score of a table (n, C) by the metric of this name.

    Args:
        name: of the metric.
        truth, prediction: (n, C).
        counted: (C,) classes that F1, accuracy and areas take in.
        k: how far down "map" looks.
    """
    if not len(truth) or not np.isfinite(prediction).all():
        return float("nan")
    return ONE[name](truth, prediction, counted, k)


def f1_by_class(truth: Array, prediction: Array) -> Array:
    """F1 of each class, (C,): NaN for a class that is neither there nor predicted."""
    right, present, predicted = _counts(truth, prediction, np.ones(truth.shape[1], np.bool_))
    total = present + predicted
    return np.asarray(np.divide(2 * right, total, out=np.full(len(total), np.nan), where=total > 0))


def _counts(truth: Array, prediction: Array, counted: Chosen) -> tuple[Array, Array, Array]:
    """By class that counts: rows rightly predicted, rows of the class, rows predicted to be of it."""
    own, found = truth.argmax(axis=1), prediction.argmax(axis=1)
    size = truth.shape[1]
    right, present, predicted = (
        np.bincount(rows, minlength=size)[counted].astype(np.float64)
        for rows in (own[own == found], own, found)
    )
    return right, present, predicted


def _mean_f1(right: Array, present: Array, predicted: Array, weights: Array | None) -> float:
    there = (present + predicted) > 0
    if not there.any() or (weights is not None and not weights.any()):
        return float("nan")
    by_class = 2 * right[there] / (present + predicted)[there]
    return float(np.average(by_class, weights=None if weights is None else weights[there]))


def _mean(area: Callable[[Array, Array], float], truth: Array, prediction: Array, counted: Chosen) -> float:
    found = [area(truth[:, place], prediction[:, place]) for place in np.flatnonzero(counted)]
    known = [value for value in found if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def _trapezoids(truth: Array, prediction: Array) -> float:
    if not truth.any():
        return float("nan")
    precision, recall, _ = sklearn.precision_recall_curve(truth > HALF, prediction)
    return float(sklearn.auc(recall, precision))
