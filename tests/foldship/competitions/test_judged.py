"""What the metric scores is what the submission holds, whatever classes are called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from foldship import competitions
from foldship_kernel.errors import DataError, FoldshipError
from foldship_kernel.tasks.base import Template

BASE: dict[str, Any] = {"id": "id", "texts": ["text"], "metric": "macro_f1"}


def declare(folder: Path, rows: str, **keys: Any) -> competitions.Competition:
    (folder / "own").mkdir()
    (folder / "own" / "competition.yaml").write_text(yaml.safe_dump({**BASE, **keys}))
    (folder / "train.csv").write_text(rows)
    return competitions.get(folder, "own")


def cells(competition: competitions.Competition, folder: Path, predictions: list[list[float]]) -> list[str]:
    task = competition.spelt(folder)
    ids = [str(number) for number in range(len(predictions))]
    template = Template(task.id, ids, (task.id, *task.submission))
    return list(task.fill(template, ids, np.array(predictions)).iloc[:, 1])


@pytest.mark.parametrize("name", ["class", "probabilities", "text", "id", "fold", "label", "top:2"])
def test_a_class_may_have_any_name(tmp_path: Path, name: str) -> None:
    rows = f"id,text,label\n1,a,{name}\n2,b,other\n"
    competition = declare(tmp_path, rows, targets={"column": "label", "classes": [name, "other"]})
    read = competition.read_train(tmp_path)
    assert (
        read.columns.is_unique and read["text"].tolist() == ["a", "b"] and read["id"].tolist() == ["1", "2"]
    )
    assert read[list(competition.task.targets)].to_numpy().tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert cells(competition, tmp_path, [[0.9, 0.1], [0.1, 0.9]]) == [name, "other"]


@pytest.mark.parametrize(
    ("classes", "spelt"), [(["1", "0"], ["1.0", "0.0"]), ([True, False], ["TRUE", "FALSE"])]
)
def test_classes_are_written_as_in_the_file(tmp_path: Path, classes: list[Any], spelt: list[str]) -> None:
    rows = f"id,text,label\n1,a,{spelt[0]}\n2,b,{spelt[1]}\n"
    competition = declare(tmp_path, rows, targets={"column": "label", "classes": classes})
    assert competition.read_train(tmp_path).iloc[0, -2:].tolist() == [1.0, 0.0]
    assert cells(competition, tmp_path, [[0.9, 0.1], [0.1, 0.9]]) == spelt


def test_numbers_are_decided(tmp_path: Path) -> None:
    rows = "id,text,target\n1,a,TRUE\n2,b,FALSE\n"
    competition = declare(tmp_path, rows, targets={"columns": ["target"]}, metric="f1")
    assert competition.read_train(tmp_path)["target"].tolist() == [1.0, 0.0]
    assert cells(competition, tmp_path, [[0.537], [0.2]]) == ["TRUE", "FALSE"]


def test_metrics_of_scores_keep_numbers(tmp_path: Path) -> None:
    rows = "id,text,target\n1,a,1\n2,b,0\n"
    competition = declare(tmp_path, rows, targets={"columns": ["target"]}, metric="auc")
    assert cells(competition, tmp_path, [[0.537], [0.2]]) == [0.537, 0.2]


def test_several_classes_in_a_cell(tmp_path: Path) -> None:
    rows = "id,text,label\n1,a,A\n2,b,B\n3,c,C\n4,d,D\n"
    targets = {"column": "label", "classes": ["A", "B", "C", "D"]}
    competition = declare(tmp_path, rows, targets=targets, metric={"name": "map", "k": 3})
    competition.read_train(tmp_path)
    assert cells(competition, tmp_path, [[0.1, 0.2, 0.4, 0.3]]) == ["C D B"]


@pytest.mark.parametrize(
    ("metric", "submission"),
    [
        ("auc", {"label": "class"}),
        ("macro_f1", {"label": "yes"}),
        ({"name": "map", "k": 2}, {"label": "yes"}),
        ("accuracy", {"label": {"top": 2}}),
    ],
)
def test_a_submission_of_something_else_is_refused(tmp_path: Path, metric: Any, submission: Any) -> None:
    rows = "id,text,label\n1,a,yes\n2,b,no\n"
    targets = {"column": "label", "classes": ["no", "yes"]}
    competition = declare(tmp_path, rows, targets=targets, metric=metric, submission=submission)
    with pytest.raises(FoldshipError, match="does not score what the submission holds"):
        competition.read_train(tmp_path)


@pytest.mark.parametrize(("metric", "values"), [("f1", "1 2"), ("accuracy", "0 1 2"), ("qwk", "1 1.5")])
def test_columns_that_a_metric_cannot_tell_apart_are_refused(
    tmp_path: Path, metric: str, values: str
) -> None:
    lines = [f"{number},a,{value}" for number, value in enumerate(values.split())]
    targets = {"columns": ["t"], "range": [0, 5]}
    competition = declare(tmp_path, "\n".join(["id,text,t", *lines, ""]), targets=targets, metric=metric)
    with pytest.raises(DataError, match=f"cannot be scored by {metric}"):
        competition.read_train(tmp_path)
