"""The rows as one model reads them, cut into shards of bounded memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foldship_kernel import batching
from foldship_kernel.encoded import EncodedRows
from foldship_kernel.intake import Intake, Reading

KEPT_ROWS = 100_000  # up to so many rows, their sequences are joined once and not again for every fold


class Shards:
    """Shards of all rows; rows that read a common sequence lie in the same one.

    Args:
        intake: tokens of the rows.
        reading: of the model.
        rows: rows per shard.

    Attributes:
        rows: row numbers of each shard.
        lengths: (sequences,) int64, tokens of all distinct sequences of all shards.
    """

    def __init__(self, intake: Intake, reading: Reading, rows: int) -> None:
        self._intake, self._reading = intake, reading
        self._kept: dict[int, EncodedRows] = {}
        self.rows = batching.shards(intake.index(reading), rows)
        self.lengths: NDArray[np.int64] = np.concatenate(
            [self.encode(number).lengths for number in range(len(self.rows))]
        )

    def encode(self, number: int) -> EncodedRows:
        """Token sequences of one shard."""
        if number in self._kept:
            return self._kept[number]
        encoded = self._intake.encode(self._reading, self.rows[number])
        if len(self._intake) <= KEPT_ROWS:
            self._kept[number] = encoded
        return encoded
