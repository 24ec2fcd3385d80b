"""Competitions declared in YAML: what is refused, and what becomes of the rest."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest
from pydantic import ValidationError

from foldship.config.competition import Declared
from foldship_kernel.records import Records
from foldship_kernel.retrieval import RetrievalSpec
from foldship_kernel.tasks import CLASSES, NUMBERS, Task

NUMBER: dict[str, Any] = {
    "id": "id",
    "texts": ["one", "two"],
    "targets": {"columns": ["score", "other"], "range": [0, 5]},
    "metric": "pearson",
}
LABEL: dict[str, Any] = {
    "id": "id",
    "texts": {"text": "{title}: {body}"},
    "categories": ["kind"],
    "targets": {"column": "label", "classes": ["a", "b", "c"]},
    "metric": {"name": "micro_f1", "without": ["a"]},
    "also": ["auprc", {"name": "map", "k": 2}],
}


def changed(base: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {**base, **keys}


def test_numbers_have_a_column_each_in_the_submission() -> None:
    task = Declared.model_validate(NUMBER).task("some", rowwise=False)
    assert (task.kind, task.low, task.high) == (NUMBERS, 0.0, 5.0)
    assert task.targets == ("score", "other")
    assert task.submission == {"score": "score", "other": "other"}
    assert task.texts == {"one": "{one}", "two": "{two}"}
    assert task.columns == ("one", "two")


def test_classes_have_one_column_unless_told_otherwise() -> None:
    declared = Declared.model_validate(LABEL)
    task = declared.task("some", rowwise=True)
    assert (task.kind, task.targets) == (CLASSES, ("a", "b", "c"))
    assert task.submission == {"label": "class"}
    assert task.columns == ("title", "body", "kind")
    assert [metric.name for metric in declared.also] == ["auprc", "map"]
    layout = {"pred": "class", "p": "probabilities", "second": "b"}
    assert Declared.model_validate(changed(LABEL, submission=layout)).layout == layout


def test_patterns_name_columns() -> None:
    targets = {"columns": ["q_a", "q_b", "r"], "of_group": ["q_*"]}
    task = Declared.model_validate(changed(NUMBER, targets=targets)).task("some", rowwise=False)
    assert task.group_targets == ("q_a", "q_b")


RETRIEVAL = {
    "query": "{one}",
    "snippets": "snippets",
    "sources": "sources",
    "documents": "documents",
    "passages": 5,
}


def test_what_is_looked_up_is_a_text_and_no_column_of_the_file() -> None:
    keys = {"texts": {"all": "{one} {retrieved}"}, "retrieval": RETRIEVAL}
    task = Declared.model_validate(changed(NUMBER, **keys)).task("some", rowwise=False)
    assert task.columns == ("one", "documents")
    assert task.retrieval == RetrievalSpec("{one}", "documents", own=False, passages=5, dense=0.5)
    assert Task.from_dict(json.loads(json.dumps(asdict(task)))) == task


def test_rows_in_json_travel_with_the_task() -> None:
    keys = {"records": {"list": "questions", "where": {"type": "x"}, "columns": {"one": "a.b[].c"}}}
    task = Declared.model_validate(changed(NUMBER, **keys)).task("some", rowwise=False)
    assert task.records == Records("questions", {"type": "x"}, {"one": "a.b[].c"})
    assert Task.from_dict(json.loads(json.dumps(asdict(task)))) == task


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"targets": {}}, "one of the two"),
        ({"targets": {"columns": ["s"], "column": "label", "classes": ["a", "b"]}}, "one of the two"),
        ({"targets": {"column": "label"}}, "two classes or more"),
        ({"targets": {"columns": ["s"], "classes": ["a", "b"]}}, "classes belong to column"),
        (
            {"targets": {"column": "l", "classes": ["a", "b"], "range": [0, 5]}},
            "belong to columns of numbers",
        ),
        ({"targets": {"columns": ["s"], "range": [5, 5]}}, "5 is not below 5"),
        ({"targets": {"columns": ["s", "t", "s"]}}, "names 's' twice"),
        ({"targets": {"columns": ["s"], "rare": ["x*"]}}, "'x\\*' is none of the columns"),
        ({"targets": {"columns": ["two"]}}, "'two' is a column that is read, too"),
        ({"group": ["three"]}, "there is no text 'three'"),
        ({"texts": {"plain": "no column"}}, "names no column in braces"),
        ({"texts": []}, "at least 1"),
        ({"submission": {"target": "scores"}}, "'scores' is none of score, other"),
        ({"submission": {"target": "class"}}, "'class' is none of score, other"),
        ({"metric": {"name": "pearson", "average": "micro"}}, "average"),
        ({"group_by": "any"}, "first"),
        ({"texts": {"all": "{one} {retrieved}"}}, "go together"),
        ({"retrieval": RETRIEVAL}, "go together"),
        (
            {"texts": {"all": "{retrieved}"}, "retrieval": {**RETRIEVAL, "dense": 1.5}},
            "less than or equal to 1",
        ),
        ({"records": {"rows": "questions"}}, "Extra inputs"),
    ],
)
def test_what_cannot_be_is_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Declared.model_validate(changed(NUMBER, **keys))
