"""A competition as the kernel sees it: texts, outputs, submission."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foldship_kernel.errors import DataError
from foldship_kernel.tasks import CLASSES, NUMBERS, Task

SCORES = Task(
    name="some",
    id="id",
    texts={"pair": "{a} / {b}", "a": "{a}"},
    targets=("score",),
    kind=NUMBERS,
    submission={"target": "score"},
    group=("a", "pair"),
    low=1.0,
    high=5.0,
)
LABELS = Task(
    name="labels",
    id="id",
    texts={"text": "{text}"},
    targets=("no", "yes", "maybe"),
    kind=CLASSES,
    submission={"label": "class", "probs": "probabilities"},
    rowwise=True,
)
LOGITS = np.array([[0.0, 800.0, -800.0]], dtype=np.float32)


def test_it_goes_through_json() -> None:
    for task in (SCORES, LABELS, replace(SCORES, test_id="test_id")):
        assert Task.from_dict(json.loads(json.dumps(asdict(task)))) == task


def test_numbers_lie_in_their_range() -> None:
    assert replace(SCORES, targets=("a", "b", "c")).outputs(LOGITS).tolist() == [[3.0, 5.0, 1.0]]
    assert SCORES.unit_outputs(LOGITS).tolist() == [[0.5, 1.0, 0.0]]
    assert SCORES.to_unit(np.array([1.0, 2.0, 5.0])).tolist() == [0.0, 0.25, 1.0]
    assert SCORES.from_unit(np.array([0.0, 0.25, 1.0])).tolist() == [1.0, 2.0, 5.0]


def test_classes_are_probabilities() -> None:
    assert LABELS.outputs(LOGITS).tolist() == [[0.0, 1.0, 0.0]]
    assert LABELS.outputs(np.zeros((1, 3), np.float32)) == pytest.approx(np.full((1, 3), 1 / 3))


def test_texts_are_made_of_columns() -> None:
    rows = pd.DataFrame({"id": ["1", "2"], "a": ["x &amp; y", None], "b": ["z", "{a}"]}, dtype=object)
    assert SCORES.columns == ("a", "b")
    assert SCORES.normalised(rows) == {"pair": ["x & y / z", "/ {a}"], "a": ["x & y", ""]}
    assert list(SCORES.raw_texts(rows)["a"]) == ["x &amp; y", None]


def test_a_group_is_the_first_text_that_is_not_empty() -> None:
    texts = {"a": ["one", "", "one", ""], "pair": ["x", "y", "z", "y"]}
    first, second, third, fourth = SCORES.groups(texts, ["1", "2", "3", "4"])
    assert first == third
    assert second == fourth != first
    alone = replace(SCORES, group=()).groups(texts, ["1", "2", "3", "4"])
    assert len(set(alone)) == 4


def test_numbers_under_another_name(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text("id,a,b\n2,x,y\n1,p,q\n")
    (tmp_path / "sample_submission.csv").write_text("id,target\n1,0\n2,0\n")
    rows, template = SCORES.read_test(tmp_path)
    table = SCORES.fill(template, rows.ids, np.array([[2.5], [4.0]]))
    assert table.to_csv(index=False) == "id,target\n1,4.0\n2,2.5\n"


def test_classes_and_their_probabilities(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text("id,text\n2,x\n1,p\n")
    (tmp_path / "sample_submission.csv").write_text("id,label,probs\n1,no,\n2,no,\n")
    rows, template = LABELS.read_test(tmp_path)
    table = LABELS.fill(template, rows.ids, np.array([[0.25, 0.5, 0.25], [0.0, 0.125, 0.875]]))
    assert list(table["label"]) == ["maybe", "yes"]
    assert table["probs"][0] == "[0.000000, 0.125000, 0.875000]"
    read_back = LABELS.numbers(table.astype(str))
    assert read_back.to_numpy().tolist() == [[0.0, 0.125, 0.875], [0.25, 0.5, 0.25]]


@pytest.mark.parametrize("cell", ["", "none", "[0.5, 0.5]", "[0.1, 0.2, null]", '{"no": 1}', "[[1], 2, 3]"])
def test_what_is_no_list_of_probabilities_is_no_number(cell: str) -> None:
    found = LABELS.numbers(pd.DataFrame({"label": ["no"], "probs": [cell]}, dtype=object))
    assert np.isnan(found.to_numpy()).any()


def test_a_class_alone_counts_as_one() -> None:
    task = replace(LABELS, submission={"label": "class"})
    found = task.numbers(pd.DataFrame({"label": ["yes", "never"]}, dtype=object)).to_numpy()
    assert found[0].tolist() == [0.0, 1.0, 0.0]
    assert np.isnan(found[1]).all()


def test_a_competition_without_a_template(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text("id,text\n2,x\n1,p\n")
    task = replace(LABELS, template=None)
    assert task.files == ("test.csv",)
    _, template = task.read_test(tmp_path)
    assert (list(template.ids), template.columns) == (["2", "1"], ("id", "label", "probs"))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text("id,txt\n2,x\n")
    (tmp_path / "sample_submission.csv").write_text("id,label,probs\n2,no,\n")
    with pytest.raises(DataError, match="text"):
        LABELS.read_test(tmp_path)
