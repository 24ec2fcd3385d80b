"""From a fold's labels to what its head learns, and from predictions back to labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from foldship.config.schema import Model
from foldship.modelling.ordinal import Grid
from foldship_kernel import grouping
from foldship_kernel.errors import FoldshipError
from foldship_kernel.tasks import NUMBERS, Task

Knots = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class Scale:
    """How the labels of one fold's training rows are scaled for its head, and how to undo that.

    Attributes:
        knots: of each column, its labels and their ranks scaled to [0, 1]; None where ranks are not taken.
        grid: levels of ordinal targets; None where they are not.
        smoothing: share by which targets are moved to their mean.
        mean: (K,) mean of what is learnt, before smoothing.
    """

    knots: tuple[Knots, ...] | None
    grid: Grid | None
    smoothing: float
    mean: NDArray[np.float64]

    def apply(self, expected: NDArray[np.floating]) -> NDArray[np.float32]:
        """Expected labels (n, C), between the levels if they like, as what the head learns: (n, K)."""
        learnt: NDArray[np.floating] = expected
        if self.grid is not None:
            learnt = self.grid.encode_expected(expected)
        elif self.knots is not None:
            pairs = zip(expected.T, self.knots, strict=True)
            learnt = np.stack([np.interp(column, *knots) for column, knots in pairs], axis=1)
        return self.smooth(learnt)

    def undo(self, outputs: NDArray[np.floating]) -> NDArray[np.float64]:
        """Predictions (n, C) in [0, 1] as the labels to expect: (n, C)."""
        mean = self.mean if self.grid is None else self.grid.shares @ self.mean
        values = np.clip((outputs - self.smoothing * mean) / (1 - self.smoothing), 0, 1)
        if self.grid is not None:
            return self.grid.unscale(values)
        if self.knots is not None:
            pairs = zip(values.T, self.knots, strict=True)
            values = np.stack([np.interp(column, *knots[::-1]) for column, knots in pairs], axis=1)
        return np.asarray(values, dtype=np.float64)

    def smooth(self, learnt: NDArray[np.floating]) -> NDArray[np.float32]:
        """Move targets (n, K) to their mean."""
        if not self.smoothing:
            return learnt.astype(np.float32)
        return ((1 - self.smoothing) * learnt + self.smoothing * self.mean).astype(np.float32)


def fit_grid(config: Model, labels: NDArray[np.float32], task: Task) -> Grid | None:
    """The grid of ordinal targets, the same for all folds; None for other targets.

    Args:
        config: the model's settings.
        labels: (n, C) of all training rows.
        task: what makes outputs of logits.

    Raises:
        FoldshipError: the task's targets are no numbers.
    """
    if config.targets != "ordinal":
        return None
    if task.kind != NUMBERS:
        raise FoldshipError(
            f"targets: ordinal does not fit the competition {task.name}",
            expected="a competition whose targets are numbers",
            found=task.kind,
            fix="use targets: plain",
        )
    return Grid.fit(labels, config.ordinal_levels)


def learnt(
    labels: NDArray[np.float32],
    groups: NDArray[np.int64],
    config: Model,
    grid: Grid | None,
    shared: NDArray[np.int64],
) -> tuple[NDArray[np.float32], Scale]:
    """What the head learns of a fold's labels; computed from these rows alone, but for the grid.

    Args:
        labels: (n, C) of the fold's training rows.
        groups: (n,) of these rows.
        config: the model's settings.
        grid: as `fit_grid` returns it.
        shared: columns that belong to a row's group alone, moved to the group's mean by `group_mean`.

    Returns:
        Targets (n, K), and the scale that was fitted.
    """
    knots = None
    if grid is None:
        values: NDArray[np.floating] = grouping.toward_mean(labels, groups, shared, config.group_mean)
        if config.targets == "rank":
            ranks = ranked(values)
            knots = tuple(_knots(*pair) for pair in zip(values.T, ranks.T, strict=True))
            values = ranks
    else:  # the mean of binary targets is a probability, where a threshold would cut the mean of labels
        of_shared = np.flatnonzero(np.isin(grid.owners, shared))
        values = grouping.toward_mean(grid.encode(labels), groups, of_shared, config.group_mean)
    scale = Scale(knots, grid, config.label_smoothing, values.mean(axis=0, dtype=np.float64))
    return scale.smooth(values), scale


def ranked(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Each column's ranks scaled to [0, 1]; a constant column is 0."""
    ranks = rankdata(values, axis=0)
    low, high = ranks.min(axis=0), ranks.max(axis=0)
    return np.asarray((ranks - low) / np.where(high > low, high - low, 1.0))


def row_weights(groups: NDArray[np.int64], config: Model) -> NDArray[np.float32] | None:
    """Weight of each row in the loss, 1 on average: (n,), or None where all weigh the same."""
    if config.sample_weights == "none":
        return None
    _, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    weights = 1 / sizes[place]
    return np.asarray(weights / weights.mean(), dtype=np.float32)


def _knots(labels: NDArray[np.floating], ranks: NDArray[np.float64]) -> Knots:
    levels, first = np.unique(labels, return_index=True)
    return levels.astype(np.float64), ranks[first]
