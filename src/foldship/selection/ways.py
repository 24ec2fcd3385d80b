"""Ways to blend, each of which can be carried out as if some folds had not been there.

What is tuned is scored on a fold that had no part in it, and so is a decision between things that are
tuned: then two folds are left out, one for the decision and one for what it compares. A way therefore takes
the set of folds that it must not see, and keeps what it has worked out for each such set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from foldship.config.selecting import Blending
from foldship.metrics import Array, Score
from foldship.selection import search, stacking, trial
from foldship.selection.align import OutOfFold
from foldship.selection.scoring import judge
from foldship_kernel import quantiles
from foldship_kernel.blend import Weight, blend

Folds = frozenset[int]
NONE: Folds = frozenset()
LEVELS = np.linspace(0.0, 1.0, 101)  # quantiles that are stored of each model and column
DIGITS = 7  # more than half precision has
SEED = 0


class Way(Protocol):
    """A way to blend."""

    @property
    def data(self) -> OutOfFold:
        """What is blended."""

    @property
    def models(self) -> tuple[str, ...]:
        """M names, sorted."""

    @property
    def ranks(self) -> bool:
        """Whether the models' quantiles are blended, not their predictions."""

    def weights(self, unseen: Folds = NONE) -> Array:
        """Weights (M, C), down each column they sum to 1; nothing of them comes from the unseen folds."""

    def table(self, unseen: Folds = NONE) -> Array:
        """All rows (n, C) blended with these weights."""


def honest(way: Way, unseen: Folds = NONE) -> Array:
    """All rows (n, C), those of each fold blended as if the way had not seen it, nor the unseen ones."""
    return patched(way.data.folds, {fold: way.table(unseen | {fold}) for fold in numbers(way.data)})


def patched(folds: NDArray[np.int64], tables: Mapping[int, Array]) -> Array:
    """Each fold's rows from the table (n, C) that is given for it."""
    result = np.empty_like(next(iter(tables.values())))
    for fold, table in tables.items():
        rows = folds == fold
        result[rows] = table[rows]
    return result


def gains(way: Way, rival: Way, unseen: Folds, score: Score) -> trial.Gains | None:
    """What a way gains on another, judged on folds that neither has seen; None if these are too few."""
    folds = numbers(way.data) - unseen
    if len(folds) < trial.FEWEST_FOLDS:
        return None
    return trial.Gains.of(way.data, honest(rival, unseen), honest(way, unseen), score, folds)


def numbers(data: OutOfFold) -> Folds:
    """The folds there are."""
    return frozenset(np.unique(data.folds).tolist())


@dataclass
class Method:
    """Weights by one method, the same for all columns (`shared`) or not."""

    data: OutOfFold
    models: tuple[str, ...]
    method: str
    ranks: bool
    shared: bool
    score: Score
    _fitted: dict[Folds, tuple[Array, Mapping[str, Array] | None]] = field(default_factory=dict)
    _tables: dict[Folds, Array] = field(default_factory=dict)

    def weights(self, unseen: Folds = NONE) -> Array:
        return self._fit(unseen)[0]

    def table(self, unseen: Folds = NONE) -> Array:
        if not self._learns:
            unseen = NONE
        if unseen not in self._tables:
            weights, known = self._fit(unseen)
            tables = {name: self.data.predictions[name] for name in self.models}
            self._tables[unseen] = blend(tables, by_model(self.models, weights), known)
        return self._tables[unseen]

    @property
    def _learns(self) -> bool:
        return self.method != "mean" or self.ranks

    def _fit(self, unseen: Folds) -> tuple[Array, Mapping[str, Array] | None]:
        """Weights and, where quantiles are blended, grids."""
        if not self._learns:
            unseen = NONE
        if unseen not in self._fitted:
            rows = ~np.isin(self.data.folds, list(unseen))
            known = grids(self.data, rows) if self.ranks else None
            self._fitted[unseen] = _weights(self, rows, known), known
        return self._fitted[unseen]


@dataclass
class ByColumn:
    """Each column's own weights where these surely beat common ones, and the common ones elsewhere."""

    own: Way
    common: Way
    settings: Blending
    score: Score
    _pays: dict[Folds, NDArray[np.bool_]] = field(default_factory=dict)

    @property
    def data(self) -> OutOfFold:
        return self.own.data

    @property
    def models(self) -> tuple[str, ...]:
        return self.own.models

    @property
    def ranks(self) -> bool:
        return self.own.ranks

    def weights(self, unseen: Folds = NONE) -> Array:
        return np.where(self.pays(unseen), self.own.weights(unseen), self.common.weights(unseen))

    def table(self, unseen: Folds = NONE) -> Array:
        return np.where(self.pays(unseen), self.own.table(unseen), self.common.table(unseen))

    def pays(self, unseen: Folds) -> NDArray[np.bool_]:
        """Columns (C,) that have weights of their own."""
        if unseen not in self._pays:
            found = gains(self.own, self.common, unseen, self.score)
            none = np.zeros(len(self.data.targets), dtype=np.bool_)
            self._pays[unseen] = none if found is None else found.columns(self.settings)
        return self._pays[unseen]


@dataclass
class Best:
    """The way that gains most on the first one, if it surely does; else the first."""

    candidates: Mapping[str, Way]
    settings: Blending
    score: Score
    _gains: dict[Folds, Mapping[str, trial.Gains]] = field(default_factory=dict)

    @property
    def data(self) -> OutOfFold:
        return self.candidates[self.first].data

    @property
    def models(self) -> tuple[str, ...]:
        return self.candidates[self.first].models

    @property
    def ranks(self) -> bool:
        return self.candidates[self.chosen()].ranks

    @property
    def first(self) -> str:
        return next(iter(self.candidates))

    def weights(self, unseen: Folds = NONE) -> Array:
        return self.candidates[self.chosen(unseen)].weights(unseen)

    def table(self, unseen: Folds = NONE) -> Array:
        return self.candidates[self.chosen(unseen)].table(unseen)

    def chosen(self, unseen: Folds = NONE) -> str:
        """Name of the way that is taken."""
        found = self.gains(unseen)
        best = max(found, key=lambda name: found[name].overall()[0], default=None)
        return best if best is not None and found[best].convincing(self.settings) else self.first

    def gains(self, unseen: Folds = NONE) -> Mapping[str, trial.Gains]:
        """What each candidate gains on the first one; empty where folds are too few to tell."""
        if unseen not in self._gains:
            first, *others = self.candidates.values()
            found = [gains(way, first, unseen, self.score) for way in others]
            names = list(self.candidates)[1:]
            self._gains[unseen] = {
                name: gain for name, gain in zip(names, found, strict=True) if gain is not None
            }
        return self._gains[unseen]


def grids(data: OutOfFold, rows: NDArray[np.bool_] | None = None) -> dict[str, Array]:
    """Quantiles (C, Q) of each model's out-of-fold predictions, on all rows or some."""
    result = {}
    for name, table in data.predictions.items():
        grid = np.quantile(table if rows is None else table[rows], LEVELS, axis=0).T
        result[name] = np.vectorize(lambda value: float(f"{value:.{DIGITS}g}"))(grid)
    return result


def by_model(names: Sequence[str], weights: Array) -> dict[str, Weight]:
    """Weights (M, C) by model: one number where all columns have the same, else (C,)."""
    same = (weights == weights[:, :1]).all()
    return {name: row[0] if same else row for name, row in zip(names, weights, strict=True)}


def _weights(way: Method, rows: NDArray[np.bool_], known: Mapping[str, Array] | None) -> Array:
    data, shared = way.data, way.shared
    equal = np.full((len(way.models), len(data.targets)), 1 / len(way.models))
    if way.method == "mean":
        return equal
    tables = [data.predictions[name][rows] for name in way.models]
    if known is not None:
        tables = [quantiles.of(table, known[name]) for name, table in zip(way.models, tables, strict=True)]
    models = np.stack([np.ascontiguousarray(table.T) for table in tables])
    truth = data.truth[rows]
    random = np.random.default_rng(SEED)
    if way.method == "stacking":
        return stacking.weights(models, truth, shared)
    judged = judge(truth, way.score)
    if way.method == "by_score":
        return search.by_score(models, judged, shared)
    if way.method == "subsets":
        return search.subsets(models, judged, shared, random)
    if way.method == "weighted":
        starts = [equal, stacking.weights(models, truth, shared)]
        return search.improve(models, judged, starts, shared)
    bags = [search.half_of(data.groups[rows], random) for _ in range(search.BAGS)]
    drawn = [search.greedy(models[:, :, bag], judge(truth[bag], way.score), shared) for bag in bags]
    return search.at_best(models, judged, np.mean(drawn, axis=0)[None], shared)
