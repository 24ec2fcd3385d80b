"""The folds' outputs to predictions: blended and post-processed as was fitted for the models at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foldship_kernel import blend, grouping, postprocess
from foldship_kernel.errors import BundleError, DataError
from foldship_kernel.gather import Gathered
from foldship_kernel.journal import Journal
from foldship_kernel.manifest import Manifest
from foldship_kernel.tasks import Task


@dataclass(frozen=True)
class Mixture:
    """Predictions made of several folds.

    Attributes:
        predictions: (rows, targets) float64, within the task's range.
        notes: what the post-processing had to leave out.
        uniform: whether all rows were read by the same models and post-processed as was fitted.
    """

    predictions: NDArray[np.float64]
    notes: list[str]
    uniform: bool


class Mixer:
    """Blends and post-processes.

    Args:
        manifest: with the blends that were fitted.
        task: the competition.
        journal: told when post-processing cannot be applied.
    """

    def __init__(self, manifest: Manifest, task: Task, journal: Journal) -> None:
        self._manifest, self._task, self._journal = manifest, task, journal
        self._stays_raw = False

    def mix(self, gathered: Gathered, unread: NDArray[np.float64], groups: NDArray[np.int64]) -> Mixture:
        """Make one table of all folds' outputs.

        Args:
            gathered: the folds' outputs.
            unread: (rows, targets) predictions for rows that no fold has reached.
            groups: (rows,) equal for rows of one group.
        """
        result = unread.copy()
        notes: list[str] = []
        alike = list(gathered.groups())
        for models, rows, means in alike:
            if models:
                fitted = self._manifest.blend_for(models)
                if fitted.voting:
                    means = {name: blend.votes(table) for name, table in means.items()}
                blended = blend.blend(means, fitted.weights, fitted.grids)
                places = grouping.columns(self._task.group_targets, self._task.targets, fitted.group_mean)
                blended = grouping.toward_mean(blended, groups[rows], places, fitted.group_mean)
                result[rows], left_out = self._postprocess(blended, fitted.postprocess)
                notes += left_out
        # Weights that sum to 1 + 2e-16 take a saturated output out of its range.
        predictions = np.clip(result, self._task.low, self._task.high)
        return Mixture(predictions, notes, uniform=len(alike) == 1 and not self._stays_raw)

    def _postprocess(
        self, blended: NDArray[np.float64], steps: Sequence[Mapping[str, Any]]
    ) -> tuple[NDArray[np.float64], list[str]]:
        """Predictions post-processed, and notes; if a step cannot be applied, all stay raw from then on."""
        if self._stays_raw:
            return blended, []
        names = list(self._task.targets)
        try:
            processed, notes = postprocess.apply(pd.DataFrame(blended, columns=names), steps)
        except (BundleError, DataError) as error:
            self._journal.loud(f"THE SUBMISSION IS NOT POST-PROCESSED: {error}")
            self._stays_raw = True
            return blended, []
        return processed[names].to_numpy(dtype=np.float64), notes
