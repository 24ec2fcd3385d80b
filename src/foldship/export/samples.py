"""Rows that exported folds are tried on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foldship.modelling import reading
from foldship_kernel.encoded import EncodedRows
from foldship_kernel.tasks import Task

Table = NDArray[np.float64]

HELD_OUT_ROWS = 200  # a fold


@dataclass(frozen=True)
class Rows:
    """Rows as the network reads them: token sequences, and features (rows, F)."""

    encoded: EncodedRows
    features: NDArray[np.float32]

    @property
    def tokens(self) -> int:
        """Tokens of all distinct sequences."""
        return int(self.encoded.lengths.sum())

    def take(self, rows: NDArray[np.int64]) -> Rows:
        """Some of the rows."""
        return Rows(self.encoded.take(rows), self.features[rows])

    def about(self, tokens: float) -> Rows:
        """Rows of all lengths that hold about so many tokens together; all, if there are no more."""
        count = round(len(self.features) * tokens / max(1, self.tokens))
        return self.take(reading.of_all_lengths(self.encoded, max(1, count)))


@dataclass(frozen=True)
class HeldOut:
    """Rows that a fold was not trained on.

    Attributes:
        rows: the rows.
        truth: (rows, targets) their targets.
        trained: (rows, targets) what the fold as it was trained predicts for them, from 0 to 1.
    """

    rows: Rows
    truth: Table
    trained: Table


def held_out(rows: Rows, truth: pd.DataFrame, out_of_fold: pd.DataFrame, task: Task) -> dict[int, HeldOut]:
    """For each fold a sample of its own rows, of all lengths.

    Args:
        rows: all training rows.
        truth: their ids and targets, in the same order.
        out_of_fold: predictions of a model, keyed by id, and `fold`.
        task: names the id and the targets.
    """
    names = list(task.targets)
    predicted = out_of_fold.set_index(task.id).loc[truth[task.id]]
    samples = {}
    for fold in sorted(set(predicted["fold"])):
        own = np.flatnonzero(predicted["fold"] == fold)
        sample = own[reading.of_all_lengths(rows.encoded.take(own), HELD_OUT_ROWS)]
        samples[int(fold)] = HeldOut(
            rows.take(sample),
            truth[names].to_numpy(dtype=np.float64)[sample],
            task.to_unit(predicted[names].to_numpy(dtype=np.float64)[sample]),
        )
    return samples
