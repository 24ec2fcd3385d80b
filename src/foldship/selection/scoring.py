"""Scores of many candidate predictions of the same rows at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from foldship import metrics
from foldship.metrics import Array, Score, spearman

Judge = Callable[[Array], Array]
"""Candidates (K, C, n) to scores (K, C), against a truth that is known to it; 0 where there is no score."""


def judge(truth: Array, score: Score = spearman) -> Judge:
    """A function that scores candidates against this truth (n, C).

    Spearman's correlation ranks the truth once, and all columns of all candidates in one call.
    """
    if score is spearman:
        return _SpearmanJudge(truth)
    return lambda candidates: np.array([np.nan_to_num(score(truth, one.T)) for one in candidates])


class _SpearmanJudge:
    def __init__(self, truth: Array) -> None:
        ranks = metrics.centred_ranks(truth).T
        length = np.sqrt(np.einsum("cn,cn->c", ranks, ranks))[:, None]
        self._truth = np.zeros_like(ranks)  # of length 1, or all zero where it is constant
        np.divide(ranks, length, out=self._truth, where=length > 0)

    def __call__(self, candidates: Array) -> Array:
        return np.array([self._one(candidate) for candidate in candidates])

    def _one(self, candidate: Array) -> Array:
        order = np.argsort(candidate, axis=1)
        ranks = _ranks(np.take_along_axis(candidate, order, axis=1))
        product = np.einsum("cn,cn->c", np.take_along_axis(self._truth, order, axis=1), ranks)
        length = np.sqrt(np.einsum("cn,cn->c", ranks, ranks))
        result = np.zeros(len(candidate))
        np.divide(product, length, out=result, where=length > 0)
        return result


def _ranks(ascending: Array) -> Array:
    """Centred ranks of values (C, n) that ascend along each row; equal values share their mean rank."""
    columns, count = ascending.shape
    places = np.broadcast_to(np.arange(count, dtype=np.float64), ascending.shape)
    new = ascending[:, 1:] != ascending[:, :-1]
    if new.all():
        return np.asarray(places - (count - 1) / 2)
    edge = np.ones((columns, 1), dtype=np.bool_)
    first = np.maximum.accumulate(np.where(np.hstack([edge, new]), places, 0.0), axis=1)
    last = np.where(np.hstack([new, edge]), places, np.inf)
    last = np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]
    return np.asarray((first + last) / 2 - (count - 1) / 2)


def of_column(score: Score) -> Callable[[Array, Array], float] | None:
    """The metric of one column, truth (n,) and prediction (n,) to a number; None for Spearman's."""
    if score is spearman:
        return None
    return lambda truth, prediction: float(score(truth[:, None], prediction[:, None])[0])
