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
from foldship_kernel import grouping
from foldship_kernel.errors import FoldshipError


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
        group_mean: share by which targets of the group were moved to their mean over its rows.
    """

    weights: Array
    models: tuple[str, ...]
    ranks: bool
    table: Array
    without: Mapping[int, Array]
    folds: NDArray[np.int64]
    group_mean: float

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

    Raises:
        FoldshipError: as `carried_out`.
    """
    return carried_out(way(data, models, settings, score), settings.group_mean)


def check(settings: Blending, *, of_classes: bool) -> None:
    """Check that a blend's settings fit the targets.

    Raises:
        FoldshipError: a setting is for columns of numbers and the targets are classes, or the reverse.
    """
    if of_classes:
        wrong = [key for key in ("per_column", "ranks") if getattr(settings, key)]
        wrong += ["method: rank_mean"] * (settings.method == "rank_mean")
        wrong += ["group_mean"] * (settings.group_mean > 0)
    else:
        wrong = ["votes: hard"] * (settings.votes == "hard")
    if wrong:
        raise FoldshipError(
            f"blend: {wrong[0]} is for targets that are {'numbers' if of_classes else 'classes'}",
            expected="settings of the blend that fit the competition's targets",
            fix="remove it from blend in kernels/<competition>/",
        )


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


def carried_out(way: Way, group_mean: float) -> Weighting:
    """Fit a way, on all rows and without each fold in turn.

    Args:
        way: to blend.
        group_mean: share by which targets of the group move to their mean over its rows, once blended.

    Raises:
        FoldshipError: that is not 0, and no target belongs to the group alone.
    """
    data = way.data
    places = grouping.columns(data.group_targets, data.targets, group_mean)
    # Rows of a group that are held out in different folds are not at hand together.
    _, together = np.unique(np.stack([data.folds, data.groups]), axis=1, return_inverse=True)

    def moved(blended: Array) -> Array:
        return grouping.toward_mean(blended, together.reshape(-1), places, group_mean)

    plain = way.table()
    table = moved(plain)
    tables = {fold: way.table(frozenset({fold})) for fold in sorted(numbers(data))}
    without = {fold: table if other is plain else moved(other) for fold, other in tables.items()}
    return Weighting(way.weights(), way.models, way.ranks, table, without, data.folds, group_mean)
