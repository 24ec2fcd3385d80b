"""What the tasks share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from foldship_kernel import tasks
from foldship_kernel.errors import DataError, FoldshipError
from foldship_kernel.tasks import base


def test_tasks_are_found_by_name() -> None:
    for name in tasks.NAMES:
        assert name == tasks.get(name).NAME


def test_an_unknown_task_lists_the_known_ones() -> None:
    with pytest.raises(FoldshipError, match="quest"):
        tasks.get("quset")


def test_activations() -> None:
    logits = np.array([[0.0, 800.0, -800.0]], dtype=np.float32)
    assert base.activate(logits, "sigmoid").tolist() == [[0.5, 1.0, 0.0]]
    assert base.activate(logits, "softmax").tolist() == [[0.0, 1.0, 0.0]]
    assert base.activate(logits, "identity").tolist() == logits.tolist()
    assert base.activate(logits, "identity").dtype == np.float64
    with pytest.raises(ValueError, match="relu"):
        base.activate(logits, "relu")


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


def test_a_template_is_filled_by_id_and_by_name() -> None:
    template = base.Template("id", ["007", "x"], ("b", "id", "a"))
    filled = base.fill_template(template, ["a", "b"], ["x", "007"], np.array([[0.1, 0.2], [0.3, 0.4]]))
    assert filled.columns.tolist() == ["b", "id", "a"]
    assert filled["id"].tolist() == ["007", "x"]
    assert filled["a"].tolist() == [0.3, 0.1]
    assert filled["b"].tolist() == [0.4, 0.2]
