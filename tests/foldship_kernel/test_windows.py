from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foldship_kernel import windows


def lay(length: int, size: int, chunks: int, stride: int | None) -> list[int]:
    counts, starts = windows.lay(np.array([length]), np.array([size]), chunks, stride)
    assert counts.tolist() == [len(starts)]
    return starts.tolist()


@pytest.mark.parametrize(
    ("length", "chunks", "stride", "starts"),
    [
        (10, 4, None, [0]),
        (11, 4, None, [0, 1]),
        (25, 4, None, [0, 10, 15]),
        (25, 4, 5, [0, 5, 10, 15]),
        (25, 1, 5, [0]),
        (100, 4, None, [0, 30, 60, 90]),  # every third of ten
        (0, 4, None, [0]),
    ],
)
def test_windows_of_ten_tokens(length: int, chunks: int, stride: int | None, starts: list[int]) -> None:
    assert lay(length, 10, chunks, stride) == starts


def test_a_stride_longer_than_a_window_skips_nothing() -> None:
    assert lay(30, 10, 9, 25) == [0, 10, 20]


def test_texts_are_laid_out_one_after_another() -> None:
    counts, starts = windows.lay(np.array([5, 30, 12]), np.array([10, 10, 6]), 4, None)
    assert counts.tolist() == [1, 3, 2]
    assert starts.tolist() == [0, 0, 10, 20, 0, 6]


@given(st.integers(0, 200), st.integers(0, 40), st.integers(1, 16), st.none() | st.integers(1, 60))
def test_begin_and_end_are_covered_and_all_is_where_windows_suffice(
    length: int, size: int, chunks: int, stride: int | None
) -> None:
    starts = lay(length, size, chunks, stride)
    assert starts == sorted(set(starts))
    assert starts[0] == 0
    if size and chunks > 1:
        assert starts[-1] == max(0, length - size)
    if len(starts) < chunks and size:
        assert {place for start in starts for place in range(start, start + size)} >= set(range(length))
