"""Whether one table of predictions is really better than another: the paired bootstrap over groups of rows.

Two scores on the same rows go up and down together, so their difference is far surer than either. Rows of one
group (the answers to one question) are not independent, so groups are drawn. B. Efron, R. Tibshirani, An
introduction to the bootstrap, 1993, chapter 13 for the interval, exercise 8.3 for groups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from foldship.metrics import Array, Score, mean_of_known, mean_score, spearman

Integers = NDArray[np.int64]
RESAMPLES = 1000
LOW, HIGH = 2.5, 97.5  # percentiles of the interval


@dataclass(frozen=True)
class Comparison:
    """Two tables of predictions on some columns.

    Attributes:
        columns: number of columns.
        a, b: mean score of each on all rows.
        difference: b less a.
        low, high: 95% interval of the difference.
        better: share of the resamples in which B is better than A, ties by half.
    """

    columns: int
    a: float
    b: float
    difference: float
    low: float
    high: float
    better: float


def compare(
    truth: Array,
    a: Array,
    b: Array,
    groups: Integers,
    columns: Mapping[str, Sequence[int]],
    *,
    folds: Integers | None = None,
    rows: int | None = None,
    one_each: bool = False,
    resamples: int = RESAMPLES,
    seed: int = 0,
    score: Score = spearman,
) -> dict[str, Comparison]:
    """Compare two tables of predictions of the same rows.

    Args:
        truth, a, b: (n, C) float64, finite.
        groups: (n,) equal for rows that belong together.
        columns: positions of the columns to average over, by name.
        folds: (n,) when the predictions are comparable within a fold only (post-processed with bounds of
            each fold's own): then scores are means over the folds of the means over the columns.
        rows: about how many rows a resample has; None for as many as there are.
        one_each: whether a resample has one random row of each group it draws, as a test set may have.
        resamples: how often.
        seed: of the draws.
        score: the metric.

    Returns:
        By the names of `columns`.

    Raises:
        ValueError: shapes differ, or a value is not finite.
    """
    tables = {"truth": truth, "a": a, "b": b}
    bad = [name for name, table in tables.items() if not np.isfinite(table).all()]
    if bad or not truth.shape == a.shape == b.shape or len(groups) != len(truth):
        shapes = ", ".join(f"{name} {table.shape}" for name, table in tables.items())
        raise ValueError(
            f"cannot be compared: {shapes}, {len(groups)} groups; not finite: {', '.join(bad) or 'none'}"
        )
    sampled = _Resampling(truth, a, b, groups, folds, score, rows, one_each)
    whole = sampled.scores()  # (F, C) each
    drawn = sampled.differences(resamples, seed)  # (F, R, C)
    result = {}
    for name, chosen in columns.items():
        places = list(chosen)
        differences = mean_of_known(mean_of_known(drawn[:, :, places].transpose(2, 0, 1)))
        differences = differences[~np.isnan(differences)]
        one, other = (mean_score(table[:, places]) for table in whole)
        low, high = np.percentile(differences, [LOW, HIGH]) if differences.size else (np.nan, np.nan)
        better = np.mean((differences > 0) + 0.5 * (differences == 0)) if differences.size else np.nan
        result[name] = Comparison(
            len(places), one, other, other - one, float(low), float(high), float(better)
        )
    return result


def differences(
    truth: Array,
    a: Array,
    b: Array,
    groups: Integers,
    folds: Integers,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    score: Score = spearman,
) -> Array:
    """B's score less A's by fold, resample and column: (F, R, C), NaN where the truth did not vary.

    Arguments are those of `compare`; folds come in ascending order.
    """
    return _Resampling(truth, a, b, groups, folds, score, None, False).differences(resamples, seed)


class _SpearmanPair:
    """Scores of two tables on rows that count several times, or not at all.

    Sorting is done once. How often the rows below each value were drawn is a cumulative sum, so a resample
    costs no further sort.
    """

    def __init__(self, truth: Array, a: Array, b: Array) -> None:
        self._tables = [_Sorted(table) for table in (truth, a, b)]

    def __call__(self, counts: Array) -> tuple[Array, Array]:
        truth, a, b = (table.centred_ranks(counts) for table in self._tables)
        weighted = truth * counts
        own = np.einsum("cn,cn->c", weighted, truth)
        scores = []
        for ranks in (a, b):
            product = np.einsum("cn,cn->c", weighted, ranks)
            scale = np.sqrt(own * np.einsum("cn,cn,n->c", ranks, ranks, counts))
            score = np.where(own > 0, 0.0, np.nan)
            np.divide(product, scale, out=score, where=scale > 0)
            scores.append(score)
        return scores[0], scores[1]


class _Sorted:
    """A table's columns in ascending order, and where in it each row's value begins and ends."""

    def __init__(self, table: Array) -> None:
        count, columns = table.shape
        self._order = np.argsort(table.T, axis=1)
        self._sums = np.zeros((columns, count + 1))
        offset = (count + 1) * np.arange(columns)[:, None]
        self._below = (rankdata(table, "min", axis=0).T - 1).astype(np.int64) + offset
        self._until = rankdata(table, "max", axis=0).T.astype(np.int64) + offset

    def centred_ranks(self, counts: Array) -> Array:
        """Mean ranks (C, n) among the drawn rows, less their mean; counts: (n,)."""
        np.cumsum(counts[self._order], axis=1, out=self._sums[:, 1:])
        sums = self._sums.ravel()
        ranks: Array = (sums.take(self._below) + sums.take(self._until) - counts.sum()) / 2
        return ranks


def _judge(truth: Array, a: Array, b: Array, score: Score) -> _Pair:
    return _SpearmanPair(truth, a, b) if score is spearman else _AnyPair(truth, a, b, score)


class _AnyPair:
    def __init__(self, truth: Array, a: Array, b: Array, score: Score) -> None:
        self._tables, self._score = (truth, a, b), score

    def __call__(self, counts: Array) -> tuple[Array, Array]:
        rows = np.repeat(np.arange(len(counts)), counts.astype(np.int64))
        truth, a, b = (table[rows] for table in self._tables)
        return self._score(truth, a), self._score(truth, b)


_Pair = _SpearmanPair | _AnyPair


class _Resampling:
    """Two tables, ready to be scored on any draw of groups; fold by fold where there are folds."""

    def __init__(
        self,
        truth: Array,
        a: Array,
        b: Array,
        groups: Integers,
        folds: Integers | None,
        score: Score,
        rows: int | None,
        one_each: bool,
    ) -> None:
        numbers = np.zeros(len(truth), dtype=np.int64) if folds is None else folds
        parts = [np.flatnonzero(numbers == fold) for fold in np.unique(numbers)]
        share = None if rows is None else rows / len(truth)
        self._sizes = [len(part) for part in parts]
        self._judges = [_judge(truth[part], a[part], b[part], score) for part in parts]
        self._draws = [_Draw(groups[part], share, one_each) for part in parts]

    def scores(self) -> tuple[Array, Array]:
        """Scores of both tables on all rows: (F, C) each."""
        both = [judge(np.ones(size)) for judge, size in zip(self._judges, self._sizes, strict=True)]
        return np.array([one for one, _ in both]), np.array([other for _, other in both])

    def differences(self, resamples: int, seed: int) -> Array:
        """B less A in each resample: (F, R, C)."""
        random = np.random.default_rng(seed)
        result = []
        for judge, draw in zip(self._judges, self._draws, strict=True):
            scored = [judge(draw(random)) for _ in range(resamples)]
            result.append([other - one for one, other in scored])
        return np.array(result)


class _Draw:
    """Draws groups with replacement, and says how often each row is in the resample.

    A share of the rows is drawn; None draws as many groups as there are.
    """

    def __init__(self, groups: Integers, share: float | None, one_each: bool) -> None:
        _, self._group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
        self._rows = np.argsort(self._group, kind="stable")
        self._first, self._sizes = np.cumsum(sizes) - sizes, sizes
        among = len(groups) if one_each and share is not None else len(sizes)
        self._draws, self._one_each = max(2, round(among * (1.0 if share is None else share))), one_each

    def __call__(self, random: np.random.Generator) -> Array:
        drawn = random.integers(0, len(self._sizes), self._draws)
        if not self._one_each:
            return np.bincount(drawn, minlength=len(self._sizes))[self._group].astype(np.float64)
        inside = (random.random(self._draws) * self._sizes[drawn]).astype(np.int64)
        rows = self._rows[self._first[drawn] + inside]
        return np.bincount(rows, minlength=len(self._rows)).astype(np.float64)
