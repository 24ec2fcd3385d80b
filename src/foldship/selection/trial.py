"""Whether one way to blend is better than another, seen on folds that neither was fitted on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foldship.config.selecting import Blending
from foldship.metrics import Array, Score, mean_of_known, mean_score
from foldship.selection import evaluation
from foldship.selection.align import OutOfFold

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
    def of(
        cls,
        data: OutOfFold,
        rival: Array,
        candidate: Array,
        score: Score,
        folds: Collection[int] | None = None,
    ) -> Gains:
        """Compare two tables of blended predictions (n, C) on some folds, or all."""
        rows = np.isin(data.folds, list(folds)) if folds is not None else np.ones(len(data.ids), np.bool_)
        truth, numbers = data.truth[rows], data.folds[rows]
        before, after = rival[rows], candidate[rows]
        resampled = evaluation.differences(
            truth, before, after, data.groups[rows], numbers, resamples=RESAMPLES, score=score
        )
        measured = by_fold(truth, after, numbers, score) - by_fold(truth, before, numbers, score)
        return cls(np.unique(numbers), measured, resampled)

    def columns(self, settings: Blending) -> NDArray[np.bool_]:
        """Columns (C,) in which the candidate is to be taken."""
        return self._sure(mean_of_known(self.measured), _better(mean_of_known(self.resampled)), settings)

    def overall(self) -> tuple[float, float]:
        """Gain, the mean over folds of the mean over columns, and the share of resamples with a gain."""
        gain = mean_score(self.measured)
        resampled = mean_of_known(mean_of_known(self.resampled.transpose(2, 0, 1)))  # (R,)
        return gain, float(_better(resampled[:, None])[0])

    def convincing(self, settings: Blending) -> bool:
        """Whether the candidate is to be taken for all columns."""
        gain, better = self.overall()
        return bool(self._sure(np.array([gain]), np.array([better]), settings)[0])

    def _sure(self, gain: Array, better: Array, settings: Blending) -> NDArray[np.bool_]:
        """What is known to gain enough; a gain that is NaN is not."""
        sure = (gain >= settings.minimum_gain) & (better >= settings.confidence) & (gain > 0)
        return np.asarray(sure & (len(self.folds) >= FEWEST_FOLDS))


def by_fold(truth: Array, prediction: Array, folds: NDArray[np.int64], score: Score) -> Array:
    """Score of each fold and column, (F, C); NaN where there is none."""
    chosen = [folds == fold for fold in np.unique(folds)]
    return np.array([score(truth[rows], prediction[rows]) for rows in chosen])


def _better(resampled: Array) -> Array:
    """Share of resamples (R, C) with a gain, by column; those that cannot be scored count as ties."""
    return np.asarray(np.mean((resampled > 0) + 0.5 * ~(np.abs(resampled) > 0), axis=0))
