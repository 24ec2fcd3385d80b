"""Which row an id means."""

from __future__ import annotations

import numpy as np
import pytest

from foldship_kernel.lenient import matching
from foldship_kernel.mended import Mending


def match(rows: list[str], wanted: list[str]) -> list[int]:
    return matching.match(rows, wanted, Mending("test.csv")).tolist()


@pytest.mark.parametrize(
    ("rows", "wanted", "places"),
    [
        (["a", "b"], ["b", "a", "c"], [1, 0, -1]),
        (["1", "2"], ["1.0", "2.0"], [0, 1]),
        (["1.0", "2.0"], ["2", "1"], [1, 0]),
        (["01", "2"], ["1", " 2 "], [0, 1]),
        (["Ab", "cD"], ["AB", '"cd"'], [0, 1]),
        (["e\u0301", "x"], ["\u00e9", "x"], [0, 1]),  # composed or not
        (["", "x"], ["nan", "x"], [0, 1]),
        (["9e7", "x"], ["90000000.0", "x"], [0, 1]),
        (["NA", "nan", "null"], ["null", "NA", "nan"], [2, 0, 1]),
        # Ambiguous: none is taken for another.
        (["1", "01"], ["1.0", "x"], [-1, -1]),
        (["a", "b"], ["A", "\u0041 ", "b"], [-1, -1, 1]),
        # What stands several times is taken in turn.
        (["a", "b", "a"], ["a", "a", "b"], [0, 2, 1]),
        (["a", "b"], ["a", "a", "b"], [0, 0, 1]),
        (["1", "1", "2"], ["1.0", "2.0", "1.0"], [0, 2, 1]),
        # Damaged, told by what is left, or by the place between others.
        (["h1", "h\ufffd9", "h3"], ["h3", "h1", "h129"], [2, 0, 1]),
        (["h1", "", "h3"], ["h1", "h2", "h3"], [0, 1, 2]),
        (["h1", "?%!", "h3"], ["h1", "h2", "h3"], [0, 1, 2]),
        (["h1", "h9", "h3"], ["h1", "h2", "h3"], [0, -1, 2]),
        ([], ["a"], [-1]),
        (["a"], [], []),
    ],
)
def test_an_id_means_the_row_that_is_spelt_like_it(
    rows: list[str], wanted: list[str], places: list[int]
) -> None:
    assert match(rows, wanted) == places


def test_many_ids_are_matched_at_once() -> None:
    rows = [str(number) for number in range(50_000)]
    wanted = [f"{number}.0" for number in np.random.default_rng(0).permutation(50_000)]
    assert [rows[place] for place in match(rows, wanted)] == [value.removesuffix(".0") for value in wanted]
