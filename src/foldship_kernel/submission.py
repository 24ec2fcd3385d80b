"""The submission file: complete, checked, and never left half written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foldship_kernel import atomic
from foldship_kernel.errors import SubmissionError
from foldship_kernel.rows import Rows
from foldship_kernel.tasks import CLASSES, Task
from foldship_kernel.tasks.base import Template, rank_signal

FILE_NAME = "submission.csv"
# Far below any difference that a model means, far above float64's resolution.
TIE_BREAK = 1e-6


class Submission:
    """Writes predictions as a submission.

    Args:
        path: the file to write; each write replaces it as a whole.
        task: the competition.
        rows: rows to predict; read once, for an order of theirs.
        template: what the submission must hold.
        targets: what is known without a model: "mean" and "spread" by target; a target that is missing gets
            the middle of the range.
    """

    def __init__(
        self,
        path: Path,
        task: Task,
        rows: Rows,
        template: Template,
        targets: Mapping[str, Mapping[str, float]] | None = None,
    ) -> None:
        self._path = path
        self._task = task
        self._ids = rows.ids
        self._template = template
        sizes = [size for chunk in rows.chunks() for size in task.cheap_sizes(chunk)]
        self.signal = rank_signal(sizes, self._ids)
        self._targets = targets or {}
        without = int(template.without_row.sum())
        self._others = self._spread(rank_signal([0] * without, list(map(str, range(without)))))

    def fallback(self) -> NDArray[np.float64]:
        """Predictions without a model: each target's mean, numbers spread by a cheap ordering of the rows."""
        return self._spread(self.signal)

    def _spread(self, signal: NDArray[np.float64]) -> NDArray[np.float64]:
        """Each target's mean, numbers spread by a signal (n,) within [0, 1]: (n, targets)."""
        task, targets = self._task, self._targets
        middle = {"mean": (task.low + task.high) / 2, "spread": 0.0}
        entries = [targets.get(name, middle) for name in task.targets]
        mean = np.array([entry["mean"] for entry in entries])
        spread = np.array([entry["spread"] for entry in entries])
        if task.kind == CLASSES:
            return np.tile(mean / mean.sum(), (len(signal), 1))
        return np.clip(mean + spread * (2 * signal[:, None] - 1), task.low, task.high)

    def write(self, predictions: NDArray[np.float64]) -> list[str]:
        """Check and write predictions (rows, targets), in the order of the rows and of `task.targets`.

        A column whose values are all equal has no correlation; where the metric is one, it gets the rows'
        cheap ordering, far below any difference that matters.

        Returns:
            Targets that were constant.

        Raises:
            SubmissionError: a value is not finite or out of range, or the layout is not the template's.
            OSError: the file cannot be written.
        """
        self._check_shape(predictions)
        constant = constant_columns(predictions) & (not self._task.rowwise)
        if constant.any():
            predictions = predictions.copy()
            predictions[:, constant] = break_ties(
                predictions[:, constant], self.signal, self._task.low, self._task.high
            )
        self._check_values(predictions)
        frame = self._task.fill(self._template, self._ids, predictions, self._others)
        self._check_layout(frame)
        atomic.write_csv(self._path, frame)
        return [name for name, flat in zip(self._task.targets, constant, strict=True) if flat]

    def _check_shape(self, predictions: NDArray[np.float64]) -> None:
        expected = (len(self._ids), len(self._task.targets))
        if predictions.shape != expected:
            raise SubmissionError(
                "predictions of the wrong shape", expected=str(expected), found=str(predictions.shape)
            )

    def _check_values(self, predictions: NDArray[np.float64]) -> None:
        task = self._task
        wrong = ~((predictions >= task.low) & (predictions <= task.high))  # NaN compares false
        if wrong.any():
            row, column = (int(place) for place in np.argwhere(wrong)[0])
            raise SubmissionError(
                f"{wrong.sum()} predictions cannot be submitted, the first for {task.id} {self._ids[row]}, "
                f"{task.targets[column]}",
                expected=f"numbers from {task.low:g} to {task.high:g}",
                found=str(predictions[row, column]),
            )

    def _check_layout(self, frame: pd.DataFrame) -> None:
        if tuple(frame.columns) != self._template.columns:
            raise SubmissionError(
                "the submission's columns are not the template's",
                expected=", ".join(self._template.columns),
                found=", ".join(frame.columns),
            )
        if list(frame[self._template.id_column]) != list(self._template.ids):
            raise SubmissionError(
                "the submission's ids are not the template's, or in another order",
                expected=f"{len(self._template.ids)} ids as in the template",
                found=f"{len(frame)} ids",
            )


def constant_columns(predictions: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(columns,) bool: whether all values of a column are equal; False for fewer than two rows."""
    if len(predictions) < 2:
        return np.zeros(predictions.shape[1], dtype=bool)
    return np.asarray((predictions == predictions[:1]).all(axis=0))


def break_ties(
    columns: NDArray[np.float64], signal: NDArray[np.float64], low: float, high: float
) -> NDArray[np.float64]:
    """Add a tiny multiple of `signal` (rows,) to each column, kept within [low, high]."""
    step = TIE_BREAK * (high - low)
    return np.asarray(np.clip(columns, low, high - step) + step * signal[:, None])
