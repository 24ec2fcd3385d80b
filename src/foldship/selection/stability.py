"""How often a step helps on samples as small as a public test set: a bootstrap over questions."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from foldship_kernel.steps import needed

Column = NDArray[np.float64]
Table = NDArray[np.float64]
Score = Callable[[Column, Column], float]


class Resamples:
    """Samples of a column's held-out rows. Each is drawn within one fold, since steps differ between folds.

    Groups are drawn with replacement and one row of each, as in a test set that holds one answer a question.

    Args:
        folds: (n,) int64.
        groups: (n,) int64, equal for rows that belong together.
        count: number of samples, shared out over the folds.
        rows: rows of a sample.
        seed: of the drawing.
    """

    def __init__(
        self, folds: NDArray[np.int64], groups: NDArray[np.int64], *, count: int, rows: int, seed: int = 0
    ) -> None:
        self._folds, self._groups = folds, groups
        self._count, self._rows, self._seed = count, rows, seed

    @cached_property
    def _drawn(self) -> dict[int, NDArray[np.int64]]:
        random = np.random.default_rng(self._seed)
        numbers = np.unique(self._folds)
        each = -(-self._count // len(numbers))
        return {int(fold): self._draw(random, np.flatnonzero(self._folds == fold), each) for fold in numbers}

    def _draw(self, random: np.random.Generator, places: NDArray[np.int64], count: int) -> NDArray[np.int64]:
        """(count, rows) places among the fold's rows."""
        _, group, sizes = np.unique(self._groups[places], return_inverse=True, return_counts=True)
        members = np.argsort(group, kind="stable")
        first = np.cumsum(sizes) - sizes
        chosen = random.integers(len(sizes), size=(count, self._rows))
        drawn: NDArray[np.int64] = members[
            first[chosen] + (random.random(chosen.shape) * sizes[chosen]).astype(np.int64)
        ]
        return drawn

    def outcomes(
        self, fold: int, truth: Column, before: Column, after: Column, score: Score | None = None
    ) -> Column:
        """What a step came to on each sample of a fold.

        Args:
            fold: its number.
            truth, before, after: (rows of the fold,) float64.
            score: of truth and prediction, higher is better; Spearman's correlation if None.

        Returns:
            1.0 where the step helped, 0.5 where nothing changed (or the guard would hold the step back), 0.0
            where it did harm; samples in which the truth is constant are left out.
        """
        drawn = self._drawn[fold]
        first, second, third = truth[drawn], before[drawn], after[drawn]
        varies = (first != first[:, :1]).any(axis=1)
        first, second, third = first[varies], second[varies], third[varies]
        if not len(first):
            return np.zeros(0)
        held_back = _minority(third) < needed(self._rows)
        third = np.where(held_back[:, None], second, third)
        if score is None:
            gains = _spearman(first, third) - _spearman(first, second)
        else:
            gains = np.array(
                [
                    score(one, new) - score(one, old)
                    for one, old, new in zip(first, second, third, strict=True)
                ]
            )
        return np.asarray((np.sign(gains) + 1) / 2)


def _spearman(truth: Table, prediction: Table) -> Column:
    """Correlation of each row of two (samples, n) tables, 0 for a constant prediction."""
    first, second = (rankdata(table, axis=1) - (table.shape[1] + 1) / 2 for table in (truth, prediction))
    scale = np.sqrt(np.einsum("sn,sn->s", first, first) * np.einsum("sn,sn->s", second, second))
    result = np.zeros(len(first))
    np.divide(np.einsum("sn,sn->s", first, second), scale, out=result, where=scale > 0)
    return result


def _minority(table: Table) -> NDArray[np.int64]:
    """Entries of each row of (samples, n) that do not hold the row's commonest value."""
    ordered = np.sort(table, axis=1)
    place = np.arange(table.shape[1])
    starts = np.concatenate([np.ones((len(table), 1), dtype=bool), ordered[:, 1:] != ordered[:, :-1]], axis=1)
    run = place - np.maximum.accumulate(np.where(starts, place, 0), axis=1) + 1
    return np.asarray(table.shape[1] - run.max(axis=1))
