"""Which columns to post-process, and what that is worth on rows it was not fitted on.

Two loops of cross-validation, one in the other: the inner one decides whether a step is worth having, the
outer one scores the whole procedure, that decision included.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldship import metrics
from foldship_kernel import postprocess

Column = NDArray[np.float64]
Folds = NDArray[np.int64]
Fitter = Callable[[Column, Column], dict[str, Any] | None]

FEWEST_FOLDS = 2  # folds on which a gain must have been seen; one may be luck


def fit_column(
    truth: Column, prediction: Column, folds: Folds, fit: Fitter, minimum_gain: float
) -> tuple[dict[str, Any] | None, Column]:
    """Fit one column's step, if that pays on rows it was not fitted on; and post-process it honestly.

    For each fold a step is fitted on the other folds and scored on this one. When the mean gain reaches
    `minimum_gain`, the step is fitted on all rows. For the honest column, each fold in turn is left out of
    all of that, then post-processed. As folds get different bounds, that column may be scored fold by fold
    only: ties within a fold are no ties with the next.

    Args:
        truth, prediction: (n,) float64.
        folds: (n,) int64.
        fit: makes a step from truth and prediction, or None.
        minimum_gain: least mean gain in Spearman's correlation.

    Returns:
        The step without its target, or None; and the honest column, (n,) float64.
    """
    numbers = frozenset(np.unique(folds).tolist())
    rows = {fold: folds == fold for fold in numbers}
    raw = {fold: score(truth[rows[fold]], prediction[rows[fold]]) for fold in numbers}

    @functools.cache  # leaving out fold 1 then 2 is leaving out 2 then 1
    def fitted(used: frozenset[int]) -> dict[str, Any] | None:
        chosen = np.isin(folds, list(used))
        return fit(truth[chosen], prediction[chosen])

    def gated(used: frozenset[int]) -> dict[str, Any] | None:
        gains = []
        for fold in sorted(used):
            before = raw[fold]
            if before is not None:
                after = applied(prediction[rows[fold]], fitted(used - {fold}))
                gains.append((score(truth[rows[fold]], after) or 0.0) - before)
        if len(gains) < FEWEST_FOLDS or np.mean(gains) < minimum_gain:
            return None
        return fitted(used)

    honest = prediction.copy()
    for fold in numbers:
        honest[rows[fold]] = applied(prediction[rows[fold]], gated(numbers - {fold}))
    return gated(numbers), honest


def applied(prediction: Column, step: dict[str, Any] | None) -> Column:
    """What the kernel would make of one column (n,), its guard included."""
    return prediction if step is None else postprocess.apply_column(prediction, step)[0]


def score(truth: Column, prediction: Column) -> float | None:
    """Spearman's correlation of one column, 0 for a constant prediction; None where the truth is constant."""
    value = metrics.mean_spearman(truth[:, None], prediction[:, None])
    return None if np.isnan(value) else value
