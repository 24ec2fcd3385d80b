"""Spearman's rank correlation, column by column.

Source of the metric: the mean of the column-wise Spearman correlations,
https://www.kaggle.com/competitions/google-quest-challenge/overview/evaluation
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from foldship.metrics.base import Array, is_constant


def column_spearman(truth: ArrayLike, prediction: ArrayLike) -> NDArray[np.float64]:
    """Spearman's rank correlation of each column; equal values share their mean rank.

    Args:
        truth: (n, C) numbers.
        prediction: (n, C) numbers.

    Returns:
        (C,) float64 in [-1, 1]; NaN where either column is constant, holds a NaN or has fewer than two rows.

    Raises:
        ValueError: the two are not tables of one shape.
    """
    first, second = np.asarray(truth, dtype=np.float64), np.asarray(prediction, dtype=np.float64)
    if first.ndim != 2 or first.shape != second.shape:
        raise ValueError(f"expected two (n, C) tables of one shape, found {first.shape} and {second.shape}")
    return correlate(centred_ranks(first), centred_ranks(second))


def centred_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks down each column, less their mean: (n, C) float64, exact multiples of a half."""
    return np.asarray(rankdata(values, axis=0), dtype=np.float64) - (len(values) + 1) / 2


def correlate(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson's correlation of columns that are centred already: (C,) float64, NaN where one is all zero."""
    product = np.einsum("nc,nc->c", first, second)
    scale = np.sqrt(np.einsum("nc,nc->c", first, first) * np.einsum("nc,nc->c", second, second))
    result = np.full(len(product), np.nan)
    np.divide(product, scale, out=result, where=scale > 0)
    return np.asarray(np.clip(result, -1.0, 1.0))


def mean_spearman(truth: ArrayLike, prediction: ArrayLike, columns: Sequence[int] | None = None) -> float:
    """Mean of the column-wise Spearman correlations.

    A column whose truth is constant cannot be scored and is left out of the mean. A column that can be scored
    but whose prediction is constant counts 0, so that a model gains nothing by giving up on hard columns (a
    plain mean over the columns that are not NaN would reward it).

    Args:
        truth: (n, C) numbers.
        prediction: (n, C) numbers.
        columns: positions of the columns to score; None scores all.

    Returns:
        The mean; NaN when no column can be scored, or when a prediction holds NaN.
    """
    first, second = np.asarray(truth, dtype=np.float64), np.asarray(prediction, dtype=np.float64)
    if columns is not None:
        first, second = first[:, list(columns)], second[:, list(columns)]
    return _mean_score(column_spearman(first, second), first, second)


def _mean_score(scores: Array, truth: Array, prediction: Array) -> float:
    """Mean of `column_spearman`'s scores (C,) by the rule of `mean_spearman`; truth, prediction: (n, C)."""
    scored = ~is_constant(truth)
    counted = np.where(is_constant(prediction), 0.0, scores)[scored]
    return float(counted.mean()) if counted.size else float("nan")


def spearman(truth: Array, prediction: Array) -> Array:
    """Spearman's correlation of each column, (C,): NaN where the truth is constant.

    It is 0 where only the prediction is constant. The mean of what is not NaN is `mean_spearman`.
    """
    known = column_spearman(truth, prediction)
    return np.where(is_constant(truth), np.nan, np.where(is_constant(prediction), 0.0, known))
