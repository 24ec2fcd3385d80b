from __future__ import annotations

from pathlib import Path
from typing import Any

import competing
import pytest
import yaml

IDS = competing.TEST["id"]


def remedy(
    declaration: dict[str, Any], sample: competing.Table, folder: Path, **changes: Any
) -> tuple[str, str]:
    """What was found and the remedy of the only refusal."""
    competition = competing.declare(folder, declaration)
    data = competing.files(folder / "data", competition, sample=sample, **changes)
    (error,) = competing.matched(competition, data).refusals
    assert "its columns are not those that competition.yaml declares" in error.what
    return error.found, error.fix


def test_a_column_that_nobody_declared_is_refused_with_the_line_to_add(tmp_path: Path) -> None:
    train = {**competing.TRAIN, "score": [0, 1, 0, 1], "second": [1, 0, 1, 0]}
    sample = {"id": IDS, "score": [0.1, 0.2], "second": [0.1, 0.2]}
    found, fix = remedy(competing.NUMBERS, sample, tmp_path, train=train)
    assert "nobody declared second" in found
    assert "targets: {columns: [score, second]}" in fix


def test_of_a_column_that_nothing_is_known_of_no_target_is_made_up(tmp_path: Path) -> None:
    sample = {"id": IDS, "score": [0.1, 0.2], "second_score": [0.1, 0.2]}
    _, fix = remedy(competing.NUMBERS, sample, tmp_path)
    assert "submission: {score: score, second_score: ...}" in fix


@pytest.mark.parametrize("prefix", ["", "kind_"])
def test_columns_that_are_the_classes_are_laid_out_and_the_remedy_works(prefix: str, tmp_path: Path) -> None:
    sample = {"id": IDS, f"{prefix}high": [0.5, 0.5], f"{prefix}low": [0.5, 0.5]}
    found, fix = remedy(competing.CLASSES, sample, tmp_path)
    assert "it has no kind" in found
    line = fix.removeprefix("write into competition.yaml: ")
    assert line == f"submission: {{{prefix}high: high, {prefix}low: low}}"
    mended = competing.declare(tmp_path, competing.CLASSES, metric="log_loss", **yaml.safe_load(line))
    assert not competing.matched(mended, tmp_path / "data").refusals


def test_a_single_column_of_another_name_is_what_the_missing_one_was(tmp_path: Path) -> None:
    _, fix = remedy(competing.CLASSES, {"id": IDS, "label": ["low", "high"]}, tmp_path)
    assert fix.endswith("submission: {label: class}")


def test_a_declared_column_that_the_sample_lacks_is_refused(tmp_path: Path) -> None:
    declaration = {**competing.NUMBERS, "targets": {"columns": ["score", "other"]}}
    found, fix = remedy(declaration, {"id": IDS, "score": [0.1, 0.2]}, tmp_path)
    assert "it has no other" in found
    assert fix.endswith("submission: {score: score}")


def test_text_where_a_number_would_stand_is_refused(tmp_path: Path) -> None:
    competition = competing.declare(tmp_path, competing.NUMBERS)
    folder = competing.files(tmp_path / "data", competition, sample={"id": IDS, "score": ["low", "0.5"]})
    (error,) = competing.matched(competition, folder).refusals
    assert "column 'score' holds text" in error.what
    assert error.found == "'low'"


PROBABILITIES = {**competing.CLASSES, "metric": "log_loss", "submission": {"kind": "probabilities"}}


@pytest.mark.parametrize(
    ("declaration", "column", "cells", "what"),
    [
        (competing.CLASSES, "kind", ["low", "medium"], "none of the classes"),
        (competing.NUMBERS, "score", ["1", "0"], "whole numbers"),
        (PROBABILITIES, "kind", ["1", "0"], "no lists"),
    ],
)
def test_cells_unlike_those_that_will_be_written_are_pointed_out(
    declaration: dict[str, Any], column: str, cells: list[str], what: str, tmp_path: Path
) -> None:
    competition = competing.declare(tmp_path, declaration)
    folder = competing.files(tmp_path / "data", competition, sample={"id": IDS, column: cells})
    found = competing.matched(competition, folder)
    assert not found.refusals
    (said,) = found.notes
    assert what in said.what


def test_zeros_that_only_fill_a_column_of_fractions_are_no_matter(tmp_path: Path) -> None:
    competition = competing.declare(tmp_path, competing.NUMBERS)
    folder = competing.files(tmp_path / "data", competition, sample={"id": IDS, "score": ["0", "0"]})
    assert not competing.matched(competition, folder).notes
