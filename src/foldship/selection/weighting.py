"""The weights of a blend, and what they make of rows that they were not fitted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from foldship.config.selecting import Blending
from foldship.metrics import Array, Score, spearman
from foldship.selection import trial
from foldship.selection.align import OutOfFold
from foldship.selection.ways import ByColumn, Method, Way, by_model, numbers, patched


@dataclass(frozen=True)
class Weighting:
    """Fitted weights.

    Attributes:
        weights: (M, C) float64, down each column they sum to 1.
        models: M names.
        ranks: whether they are weights of the models' quantiles.
        table: (n, C) float64, all rows blended with them, as the kernel would.
        without: by the number of a fold, (n, C) float64, all rows blended as if it had not been there; the
            very same array as `table` for each if nothing was fitted.
        folds: (n,) int64, the fold of each row.
    """

    weights: Array
    models: tuple[str, ...]
    ranks: bool
    table: Array
    without: Mapping[int, Array]
    folds: NDArray[np.int64]

    @property
    def shares(self) -> dict[str, float | list[float]]:
        """JSON-like weights by model: one number where all columns have the same."""
        shares = by_model(self.models, self.weights)
        return {name: np.asarray(share).tolist() for name, share in shares.items()}

    @cached_property
    def honest(self) -> Array:
        """(n, C) float64, each fold blended with weights from the other folds."""
        return patched(self.folds, self.without)


def fit(data: OutOfFold, models: Sequence[str], settings: Blending, score: Score = spearman) -> Weighting:
    """Fit the weights of some models.

    Args:
        data: out-of-fold predictions of these models and maybe others.
        models, settings, score: see `way`.
    """
    return carried_out(way(data, models, settings, score))


def way(data: OutOfFold, models: Sequence[str], settings: Blending, score: Score = spearman) -> Way:
    """The way to blend that is asked for.

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
    plain = Method(data, names, "mean", ranks=False, shared=True, score=score)
    if len(names) == 1 or len(numbers(data)) < trial.FEWEST_FOLDS:
        return plain
    method = "mean" if settings.method in ("rank_mean", "auto") else settings.method
    ranks = settings.ranks or settings.method == "rank_mean"
    if not settings.per_column or method == "mean":
        return Method(data, names, method, ranks, shared=True, score=score)
    own = Method(data, names, method, ranks, shared=False, score=score)
    return ByColumn(own, Method(data, names, "mean", ranks, shared=True, score=score), settings, score)


def carried_out(way: Way) -> Weighting:
    """Fit a way, on all rows and without each fold in turn."""
    folds = way.data.folds
    without = {fold: way.table(frozenset({fold})) for fold in sorted(numbers(way.data))}
    return Weighting(way.weights(), way.models, way.ranks, way.table(), without, folds)
