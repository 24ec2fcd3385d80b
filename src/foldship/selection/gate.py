"""Which columns to post-process and how, and what that is worth on rows it was not fitted on.

Two loops of cross-validation, one in the other: the inner one chooses a kind and decides whether a step is
worth having, the outer one scores the whole procedure, that decision included.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldship import metrics
from foldship.selection.clipping import Score
from foldship.selection.kinds import Fitter
from foldship.selection.stability import Resamples
from foldship_kernel import postprocess

Column = NDArray[np.float64]
Folds = NDArray[np.int64]
Step = dict[str, Any]
Finish = Callable[[Step | None, Column], Sequence[Step]]

FEWEST_FOLDS = 2  # folds on which a gain must have been seen; one may be luck


def alone(step: Step | None, truth: Column) -> list[Step]:
    """A step, and nothing that follows it."""
    return [] if step is None else [step]


def fit_column(
    truth: Column,
    prediction: Column,
    folds: Folds,
    fitters: Mapping[str, Fitter],
    minimum_gain: float,
    *,
    leniency: float = 0.0,
    stability: float = 0.0,
    resamples: Resamples | None = None,
    metric: Score | None = None,
    without: Mapping[int, Column] | None = None,
    finish: Finish = alone,
) -> tuple[Step | None, Column]:
    """Choose and fit one column's step, if that pays on rows not fitted on; and process it honestly.

    For each fold and kind a step is fitted on the other folds and scored on this one. A kind is taken
    when its mean gain reaches `minimum_gain`, or falls short of it by no more than `leniency` standard
    errors, when it exceeds that of each kind taken before it by `minimum_gain`, and when it helps in a
    share of at least `stability` of the resamples; the last one taken is fitted on all rows. For the
    honest column, each fold in turn is left out of all of that, then post-processed. As folds get
    different steps, that column may be scored fold by fold only: ties within a fold are no ties with the
    next.

    Args:
        truth, prediction: (n,) float64.
        folds: (n,) int64.
        fitters: by kind, the preferred first.
        minimum_gain: least mean gain in the metric.
        leniency: standard errors of the mean gain. Above 0, a column with few telling rows is processed
            unless they speak against it: whether they speak for it is luck.
        stability: least share of resamples; one in which nothing changes counts half.
        resamples: of the same rows; None takes no such test.
        metric: of truth and prediction, higher is better; Spearman's correlation if None.
        without: by fold, (n,) float64, what stands for the prediction where that fold is left out, for a
            blend whose weights were fitted; None where nothing was, and it is the same.
        finish: all steps that a column goes through, of the one that is chosen (None for none) and the truth
            that it was fitted on.

    Returns:
        The step without its target, or None; and the honest column, (n,) float64.
    """
    numbers = frozenset(np.unique(folds).tolist())
    rows = {fold: folds == fold for fold in numbers}

    def predicted(outer: int | None) -> Column:
        return prediction if outer is None or without is None else without[outer]

    @functools.cache
    def raw(fold: int, outer: int | None) -> float | None:
        return score(truth[rows[fold]], predicted(outer)[rows[fold]], metric)

    @functools.cache  # leaving out fold 1 then 2 is leaving out 2 then 1
    def fitted(kind: str, used: frozenset[int], outer: int | None) -> Step | None:
        chosen = np.isin(folds, list(used))
        return fitters[kind](truth[chosen], predicted(outer)[chosen], metric)

    def finished(step: Step | None, used: frozenset[int], fold: int, outer: int | None) -> Column:
        column: Column = predicted(outer)[rows[fold]]
        following: Sequence[Step | None] = finish(step, truth[np.isin(folds, list(used))])
        for one in following or (None,):
            column = applied(column, one)
        return column

    def held_out(kind: str, used: frozenset[int], fold: int, outer: int | None) -> Column:
        others = used - {fold}
        return finished(fitted(kind, others, outer), others, fold, outer)

    def gain(kind: str, used: frozenset[int], outer: int | None) -> tuple[float, float]:
        """Mean over the folds, and its standard error."""
        gains = [
            (score(truth[rows[fold]], held_out(kind, used, fold, outer), metric) or 0.0) - before
            for fold in sorted(used)
            if (before := raw(fold, outer)) is not None
        ]
        if len(gains) < FEWEST_FOLDS:
            return -np.inf, 0.0
        return float(np.mean(gains)), float(np.std(gains, ddof=1) / np.sqrt(len(gains)))

    def is_stable(kind: str, used: frozenset[int], outer: int | None) -> bool:
        if resamples is None or stability <= 0:
            return True
        outcomes = np.concatenate(
            [
                resamples.outcomes(
                    fold,
                    truth[rows[fold]],
                    predicted(outer)[rows[fold]],
                    held_out(kind, used, fold, outer),
                    metric,
                )
                for fold in sorted(used)
            ]
        )
        return bool(outcomes.size) and float(outcomes.mean()) >= stability

    def gated(used: frozenset[int], outer: int | None) -> Step | None:
        taken, best = None, 0.0
        for kind in fitters:
            mean, error = gain(kind, used, outer)
            better = taken is None or mean >= best + minimum_gain
            if better and mean + leniency * error >= minimum_gain and is_stable(kind, used, outer):
                taken, best = kind, mean
        return None if taken is None else fitted(taken, used, outer)

    honest = np.empty_like(prediction)
    for fold in numbers:
        outer = None if without is None else fold
        others = numbers - {fold}
        honest[rows[fold]] = finished(gated(others, outer), others, fold, outer)
    return gated(numbers, None), honest


def applied(prediction: Column, step: Step | None) -> Column:
    """What the kernel would make of one column (n,), its guard included."""
    return prediction if step is None else postprocess.apply_column(prediction, step)[0]


def score(truth: Column, prediction: Column, metric: Score | None = None) -> float | None:
    """Score of one column; None where the truth is constant.

    Spearman's correlation, 0 for a constant prediction, unless another metric is given.
    """
    if metric is not None:
        return None if metrics.is_constant(truth[:, None])[0] else metric(truth, prediction)
    value = metrics.mean_spearman(truth[:, None], prediction[:, None])
    return None if np.isnan(value) else value
