"""Token sequences of rows, each distinct one once: what encoding makes, and batches are taken from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class EncodedRows:
    """Token sequences of many rows, each distinct sequence once.

    Attributes:
        tokens: (tokens,) uint16 or int32, the distinct sequences end to end.
        offsets: (sequences + 1,) int64, where each sequence begins, and the end of the last.
        boundaries: (sequences,) int32, where in each sequence its second segment begins.
        index: (readings, towers) int64, which sequence each reading's tower reads.
        owner: (readings,) int64, ascending from 0: the row of each reading. None where every row has one.
        marks: (tokens,) uint8, which spans each token belongs to; None where that is not read.
    """

    tokens: NDArray[np.integer[Any]]
    offsets: NDArray[np.int64]
    boundaries: NDArray[np.int32]
    index: NDArray[np.int64]
    owner: NDArray[np.int64] | None = None
    marks: NDArray[np.uint8] | None = None

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.index) if self.owner is None else int(self.owner[-1]) + 1 if len(self.owner) else 0

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(sequences,) int64, tokens in each distinct sequence."""
        return np.diff(self.offsets)

    def sequence(self, place: int) -> NDArray[np.integer[Any]]:
        """Token ids of one distinct sequence."""
        return self.tokens[self.offsets[place] : self.offsets[place + 1]]

    @property
    def readings(self) -> NDArray[np.int64]:
        """(rows,) int64, how many readings each row has."""
        if self.owner is None:
            return np.ones(len(self.index), dtype=np.int64)
        return np.bincount(self.owner, minlength=len(self))

    def row_lengths(self) -> NDArray[np.int64]:
        """(rows, towers) int64, tokens of each row's towers, over all its readings."""
        return self._per_row(self.lengths[self.index])

    def spread(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values of rows, (rows, ...), for each of their readings: (readings, ...)."""
        return values if self.owner is None else values[self.owner]

    def mean(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Values of readings, (readings, width), averaged over those of each row: (rows, width) float32."""
        if self.owner is None:
            return values
        return np.asarray(self._per_row(values) / self.readings[:, None], dtype=np.float32)

    def places(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Places in `index` of the readings of some rows, row after row."""
        if self.owner is None:
            return rows
        readings = self.readings
        return ranges(ends(readings)[rows], readings[rows])

    def used(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Distinct sequences that some rows read, ascending."""
        return np.unique(self.index[self.places(rows)])

    def take(self, rows: NDArray[np.int64]) -> EncodedRows:
        """The same for some rows only, holding just the sequences that they read."""
        index = self.index[self.places(rows)]
        used, inverse = np.unique(index, return_inverse=True)
        owner = None if self.owner is None else np.repeat(np.arange(len(rows)), self.readings[rows])
        return self._keep(used, inverse.reshape(index.shape), owner)

    def plus(self, other: EncodedRows) -> EncodedRows:
        """These rows, then the other's, which have as many towers; equal sequences joined.

        The sequences of the first stay where they are.
        """
        owner = None
        if self.owner is not None or other.owner is not None:
            readings = np.concatenate([self.readings, other.readings])
            owner = np.repeat(np.arange(len(readings)), readings)
        return EncodedRows(
            tokens=np.concatenate([self.tokens, other.tokens]),
            offsets=np.concatenate([self.offsets, other.offsets[1:] + self.offsets[-1]]),
            boundaries=np.concatenate([self.boundaries, other.boundaries]),
            index=np.concatenate([self.index, other.index + len(self.boundaries)]),
            owner=owner,
            marks=None if self.marks is None else np.concatenate([self.marks, _marks(other)]),
        ).without_repeats()

    def without_repeats(self) -> EncodedRows:
        """The same with equal sequences joined, in the order of their first appearance."""
        known: dict[bytes, int] = {}
        kept: list[int] = []
        places = np.empty(len(self.boundaries), dtype=np.int64)
        for number, boundary in enumerate(self.boundaries.tolist()):
            key = self.sequence(number).tobytes() + boundary.to_bytes(4, "little")
            if self.marks is not None:
                key += self.marks[self.offsets[number] : self.offsets[number + 1]].tobytes()
            place = known.setdefault(key, len(kept))
            if place == len(kept):
                kept.append(number)
            places[number] = place
        return self._keep(np.array(kept, dtype=np.int64), places[self.index], self.owner)

    def _per_row(self, values: NDArray[Any]) -> NDArray[Any]:
        """Sums of values of readings over those of each row."""
        if self.owner is None:
            return values
        return np.asarray(np.add.reduceat(values, ends(self.readings)[:-1], axis=0))

    def _keep(
        self, sequences: NDArray[np.int64], index: NDArray[np.int64], owner: NDArray[np.int64] | None
    ) -> EncodedRows:
        lengths = self.lengths[sequences]
        offsets = ends(lengths)
        kept = ranges(self.offsets[sequences], lengths)
        return EncodedRows(
            tokens=self.tokens[kept],
            offsets=offsets,
            boundaries=self.boundaries[sequences],
            index=index,
            owner=owner,
            marks=None if self.marks is None else self.marks[kept],
        )


def _marks(rows: EncodedRows) -> NDArray[np.uint8]:
    return np.zeros(len(rows.tokens), dtype=np.uint8) if rows.marks is None else rows.marks


def ends(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """0 and the running sums: where pieces laid end to end begin, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def ranges(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """start, start + 1, ... of every piece, one after another."""
    shift = np.repeat(starts - ends(lengths)[:-1], lengths)
    return np.arange(len(shift), dtype=np.int64) + shift
