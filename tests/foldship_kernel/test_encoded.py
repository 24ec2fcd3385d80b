"""Rows as token sequences: taken, joined, spread over their readings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from foldship_kernel.encoded import EncodedRows, ends


def readings(counts: list[int]) -> EncodedRows:
    """Rows with so many readings each; every reading reads a sequence of its own, all of other lengths."""
    total = sum(counts)
    lengths = np.arange(1, total + 1)
    return EncodedRows(
        tokens=np.repeat(np.arange(total), lengths).astype(np.int32),
        offsets=ends(lengths),
        boundaries=lengths.astype(np.int32),
        index=np.arange(total)[:, None],
        owner=np.repeat(np.arange(len(counts)), counts),
    )


def test_rows_keep_their_readings_when_some_are_taken() -> None:
    encoded = readings([2, 1, 3])
    part = encoded.take(np.array([2, 0]))
    assert part.readings.tolist() == [3, 2]
    assert part.row_lengths()[:, 0].tolist() == [4 + 5 + 6, 1 + 2]
    assert encoded.used(np.array([2, 0])).tolist() == [0, 1, 3, 4, 5]


def test_values_go_out_to_readings_and_come_back_as_means() -> None:
    encoded = readings([2, 1, 3])
    values = np.array([[1.0], [2.0], [3.0]], dtype=np.float32)
    assert encoded.spread(values)[:, 0].tolist() == [1, 1, 2, 3, 3, 3]
    of_readings = np.array([[1.0], [2.0], [5.0], [0.0], [3.0], [9.0]], dtype=np.float32)
    assert encoded.mean(of_readings)[:, 0].tolist() == [1.5, 5.0, 4.0]


@pytest.mark.parametrize("other", [[1, 1], [1, 2]])
def test_rows_of_two_kinds_are_put_together(other: list[int]) -> None:
    first = readings([1, 1])
    first = replace(first, owner=None)
    second = readings(other)
    joined = first.plus(second)
    assert joined.readings.tolist() == [1, 1, *other]
    assert joined.index[:2].tolist() == first.index.tolist()
    assert len(joined.boundaries) == max(2, sum(other))  # equal sequences stand once
    places = joined.places(np.array([2, 3]))
    for at, place in enumerate(joined.index[places, 0]):
        assert joined.sequence(place).tolist() == second.sequence(at).tolist()
