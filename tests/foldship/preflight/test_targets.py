from __future__ import annotations

from pathlib import Path
from typing import Any

import competing
import pytest

from foldship.preflight import Answers, targets


def look(
    folder: Path, declaration: dict[str, Any], column: str, values: list[Any], **changes: Any
) -> Answers:
    competition = competing.declare(folder, declaration, **changes)
    count = len(values)
    train = {"id": range(count), "text": [f"text {number}" for number in range(count)], column: values}
    data = competing.files(folder / "data", competition, train=train)
    answers = Answers()
    answers.ask(targets.look, competition, competition.read_train(data), 3)
    return answers


@pytest.mark.parametrize(
    ("declaration", "column", "values", "what"),
    [
        (competing.NUMBERS, "score", [1, 1, 1], "each holds one value only"),
        (competing.CLASSES, "kind", ["low"] * 3, "all rows are of one class"),
        ({**competing.NUMBERS, "metric": "auc"}, "score", [0.1, 0.2, 0.3], "auc has no value"),
    ],
)
def test_what_cannot_be_learnt_or_scored_is_refused(
    declaration: dict[str, Any], column: str, values: list[Any], what: str, tmp_path: Path
) -> None:
    (error,) = look(tmp_path, declaration, column, values).refusals
    assert what in error.what


@pytest.mark.parametrize("metric", ["rmse", "spearman", "pearson", "log_loss", "mae"])
def test_metrics_that_fit_the_targets_pass(metric: str, tmp_path: Path) -> None:
    found = look(tmp_path, competing.NUMBERS, "score", [0, 1, 0.5], metric=metric)
    assert not found.refusals
    assert not found.notes


def test_one_constant_column_of_several_is_only_said(tmp_path: Path) -> None:
    several = {"targets": {"columns": ["score", "flat"]}}
    competition = competing.declare(tmp_path, competing.NUMBERS, **several)
    train = {**competing.TRAIN, "score": [0, 1, 0, 1], "flat": [1, 1, 1, 1]}
    answers = Answers()
    data = competing.files(tmp_path / "data", competition, train=train)
    assert answers.ask(targets.look, competition, competition.read_train(data), 3)
    (said,) = answers.notes
    assert "flat: one value only" in said.what


def test_classes_rarer_than_folds_and_absent_ones_are_said(tmp_path: Path) -> None:
    kinds = {"targets": {"column": "kind", "classes": ["low", "high", "never"]}}
    found = look(tmp_path, competing.CLASSES, "kind", ["low"] * 4 + ["high"] * 2, **kinds)
    assert not found.refusals
    absent, rare = found.notes
    assert "no row is of class never" in absent.what
    assert rare.what.endswith("fewer groups of rows than the 3 folds have class high (2)")


def test_rows_of_one_group_count_once(tmp_path: Path) -> None:
    competition = competing.declare(tmp_path, competing.CLASSES, group=["text"])
    same = {"id": range(8), "text": ["same"] * 4 + list("abcd"), "kind": ["low"] * 4 + ["high"] * 4}
    data = competing.files(tmp_path / "data", competition, train=same)
    answers = Answers()
    answers.ask(targets.look, competition, competition.read_train(data), 3)
    (rare,) = answers.notes
    assert rare.what.endswith("class low (1)")
