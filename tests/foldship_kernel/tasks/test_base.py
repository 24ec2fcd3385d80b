"""What the tasks share."""

from __future__ import annotations

from pathlib import Path

import pytest

from foldship_kernel.errors import DataError
from foldship_kernel.tasks import base


def test_rank_signal_is_distinct_and_blind_to_order() -> None:
    sizes, ids = [5, 5, 0, 9], ["b", "a", "c", "d"]
    assert base.rank_signal(sizes, ids).tolist() == pytest.approx([2 / 3, 1 / 3, 0, 1])
    assert base.rank_signal(sizes[::-1], ids[::-1]).tolist() == pytest.approx([1, 0, 1 / 3, 2 / 3])
    assert base.rank_signal([4], ["x"]).tolist() == [0.5]


def test_same_ids_in_another_order_are_fine() -> None:
    base.check_same_ids(["1", "2"], ["2", "1"], Path("test.csv"), Path("sample_submission.csv"))


def test_different_ids_are_named_by_file() -> None:
    with pytest.raises(DataError) as caught:
        base.check_same_ids(["1", "2"], ["2", "3", "4"], Path("test.csv"), Path("sample_submission.csv"))
    assert "only in test.csv: 1 (1)" in caught.value.found
    assert "only in sample_submission.csv: 2 (3, 4)" in caught.value.found
