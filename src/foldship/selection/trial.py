"""Whether one way to blend is better than another, seen on folds that neither was fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foldship.config.selecting import Blending
from foldship.selection import evaluation
from foldship.selection.align import OutOfFold
from foldship.selection.scoring import Array, Score

FEWEST_FOLDS = 2  # folds on which a gain must have been seen; one may be luck
RESAMPLES = 200


@dataclass(frozen=True)
class Gains:
    """What a candidate gains on a rival.

    Attributes:
        folds: (F,) numbers of the folds.
        measured: (F, C) gain in score; NaN where there is no score.
        resampled: (F, R, C) the same on resamples of the fold's groups.
    """

    folds: NDArray[np.int64]
    measured: Array
    resampled: Array

    @classmethod
    def of(cls, data: OutOfFold, rival: Array, candidate: Array, score: Score) -> Gains:
        """Compare two tables of blended predictions (n, C)."""
        resampled = evaluation.differences(
            data.truth, rival, candidate, data.groups, data.folds, resamples=RESAMPLES, score=score
        )
        measured = by_fold(data, candidate, score) - by_fold(data, rival, score)
        return cls(np.unique(data.folds), measured, resampled)

    def columns(self, settings: Blending, without: int | None = None) -> NDArray[np.bool_]:
        """Columns (C,) in which the candidate is to be taken, judged without one of the folds."""
        used = self._used(without)
        gain, better = _mean(self.measured[used]), _better(_mean(self.resampled[used]))
        return self._sure(gain, better, used, settings)

    def overall(self, without: int | None = None) -> tuple[float, float]:
        """Mean gain over folds and columns, and the share of resamples in which there is one."""
        used = self._used(without)
        gain = float(np.nanmean(_mean(self.measured[used]))) if used else float("nan")
        resampled = _mean(self.resampled[used])
        return gain, float(_better(_mean(resampled.T)[:, None])[0])

    def convincing(self, settings: Blending, without: int | None = None) -> bool:
        """Whether the candidate is to be taken for all columns."""
        gain, better = self.overall(without)
        used = self._used(without)
        return bool(self._sure(np.array([gain]), np.array([better]), used, settings)[0])

    def _used(self, without: int | None) -> list[int]:
        return [place for place in range(len(self.folds)) if place != without]

    @staticmethod
    def _sure(gain: Array, better: Array, used: Sequence[int], settings: Blending) -> NDArray[np.bool_]:
        sure = (gain >= settings.minimum_gain) & (better >= settings.confidence) & (gain > 0)
        return np.asarray(sure & (len(used) >= FEWEST_FOLDS))


def by_fold(data: OutOfFold, prediction: Array, score: Score) -> Array:
    """Score of each fold and column, (F, C); NaN where there is none."""
    chosen = [data.folds == fold for fold in np.unique(data.folds)]
    return np.array([score(data.truth[rows], prediction[rows]) for rows in chosen])


def _better(resampled: Array) -> Array:
    """Share of resamples (R, C) with a gain, by column."""
    return np.asarray(np.mean((resampled > 0) + 0.5 * (resampled == 0), axis=0))


def _mean(values: Array) -> Array:
    """Mean over the first axis of what is known; 0 where nothing is."""
    known = ~np.isnan(values)
    return np.asarray(np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1))
