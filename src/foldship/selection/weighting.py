"""The weights of a blend, and what they make of rows that they were not fitted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from foldship.config.selecting import Blending
from foldship.selection import search, stacking, trial
from foldship.selection.align import OutOfFold
from foldship.selection.scoring import Array, Score, judge, spearman
from foldship_kernel import quantiles
from foldship_kernel.blend import Weight, blend

LEVELS = np.linspace(0.0, 1.0, 101)  # quantiles that are stored of each model and column
DIGITS = 7  # more than half precision has
SEED = 0


@dataclass(frozen=True)
class Weighting:
    """Fitted weights.

    Attributes:
        weights: (M, C) float64, down each column they sum to 1.
        models: M names.
        ranks: whether they are weights of the models' quantiles.
        honest: (n, C) float64, each fold blended with weights from the other folds.
    """

    weights: Array
    models: tuple[str, ...]
    ranks: bool
    honest: Array

    @property
    def shares(self) -> dict[str, float | list[float]]:
        """JSON-like weights by model: one number where all columns have the same."""
        return _shares(self.models, self.weights)


def fit(data: OutOfFold, models: Sequence[str], settings: Blending, score: Score = spearman) -> Weighting:
    """Fit the weights of some models.

    With fewer than two folds there are no other rows to score weights on: then it is the plain mean. So it is
    for a single model. `auto` is settled by `automatic.choose`, and means the plain mean here.

    Args:
        data: out-of-fold predictions of these models and maybe others.
        models: names of one or more models.
        settings: the method, and whether weights may differ by column: then a column has weights of its own
            where these surely beat the plain mean, and the plain mean elsewhere.
        score: the metric.
    """
    names = tuple(sorted(models))
    if len(names) == 1 or len(np.unique(data.folds)) < trial.FEWEST_FOLDS:
        return _nested(data, names, "mean", ranks=False, shared=True, score=score)
    method = "mean" if settings.method in ("rank_mean", "auto") else settings.method
    ranks = settings.ranks or settings.method == "rank_mean"
    if not settings.per_column or method == "mean":
        return _nested(data, names, method, ranks, shared=True, score=score)
    own = _nested(data, names, method, ranks, shared=False, score=score)
    return _by_column(data, own, settings, score)


def _by_column(data: OutOfFold, own: Weighting, settings: Blending, score: Score) -> Weighting:
    """The plain mean, and columns' own weights where these surely beat it on folds they were not fitted on.

    Each fold in turn is left out of that decision, too, for its honest predictions.
    """
    common = _nested(data, own.models, "mean", own.ranks, shared=True, score=score)
    gains = trial.Gains.of(data, common.honest, own.honest, score)
    honest = common.honest.copy()
    for place, fold in enumerate(gains.folds):
        pays = gains.columns(settings, without=place)
        rows = np.ix_(data.folds == fold, pays)
        honest[rows] = own.honest[rows]
    weights = np.where(gains.columns(settings), own.weights, common.weights)
    return replace(common, weights=weights, honest=honest)


def grids(data: OutOfFold, rows: NDArray[np.bool_] | None = None) -> dict[str, Array]:
    """Quantiles (C, Q) of each model's out-of-fold predictions, on all rows or some."""
    result = {}
    for name, table in data.predictions.items():
        grid = np.quantile(table if rows is None else table[rows], LEVELS, axis=0).T
        result[name] = np.vectorize(lambda value: float(f"{value:.{DIGITS}g}"))(grid)
    return result


def _nested(
    data: OutOfFold, names: tuple[str, ...], method: str, ranks: bool, shared: bool, score: Score
) -> Weighting:
    every = np.ones(len(data.ids), dtype=np.bool_)
    honest = np.empty_like(data.truth)
    for fold in np.unique(data.folds):
        held_out = data.folds == fold
        learn = ~held_out if method != "mean" or ranks else every
        weights, known = _fit(data, names, method, ranks, shared, learn if learn.any() else every, score)
        honest[held_out] = _applied(data, names, weights, known, held_out)
    weights, _ = _fit(data, names, method, ranks, shared, every, score)
    return Weighting(weights, names, ranks, honest)


def _fit(
    data: OutOfFold,
    names: tuple[str, ...],
    method: str,
    ranks: bool,
    shared: bool,
    rows: NDArray[np.bool_],
    score: Score,
) -> tuple[Array, dict[str, Array] | None]:
    """Weights (M, C) and, where quantiles are blended, grids; both from these rows alone."""
    known = grids(data, rows) if ranks else None
    equal = np.full((len(names), len(data.targets)), 1 / len(names))
    if method == "mean":
        return equal, known
    tables = [data.predictions[name][rows] for name in names]
    if known is not None:
        tables = [quantiles.of(table, known[name]) for name, table in zip(names, tables, strict=True)]
    models = np.stack([np.ascontiguousarray(table.T) for table in tables])
    truth = data.truth[rows]
    random = np.random.default_rng(SEED)
    if method == "stacking":
        return stacking.weights(models, truth, shared), known
    judged = judge(truth, score)
    if method == "subsets":
        return search.subsets(models, judged, shared, random), known
    if method == "weighted":
        starts = [equal, stacking.weights(models, truth, shared)]
        return search.improve(models, judged, starts, shared), known
    bags = [search.half_of(data.groups[rows], random) for _ in range(search.BAGS)]
    drawn = [search.greedy(models[:, :, bag], judge(truth[bag], score), shared) for bag in bags]
    return search.at_best(models, judged, np.mean(drawn, axis=0)[None], shared), known


def _applied(
    data: OutOfFold,
    names: tuple[str, ...],
    weights: Array,
    known: Mapping[str, Array] | None,
    rows: NDArray[np.bool_],
) -> Array:
    """What the kernel would make of these rows."""
    tables = {name: data.predictions[name][rows] for name in names}
    shares: dict[str, Weight] = {
        name: np.asarray(share)[()] for name, share in _shares(names, weights).items()
    }
    return blend(tables, shares, known)


def _shares(names: Sequence[str], weights: Array) -> dict[str, float | list[float]]:
    same = (weights == weights[:, :1]).all()
    return {
        name: float(row[0]) if same else [float(value) for value in row]
        for name, row in zip(names, weights, strict=True)
    }
