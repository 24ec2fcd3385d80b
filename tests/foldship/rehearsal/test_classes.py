"""What the rehearsal asks of a submission of classes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from foldship.rehearsal.checks import classes, constant, submission_size, value_range
from foldship.rehearsal.evidence import Evidence
from foldship_kernel.tasks import CLASSES, Task

TASK = Task(
    name="labels",
    id="id",
    texts={"text": "{text}"},
    targets=("no", "yes", "maybe"),
    kind=CLASSES,
    submission={"label": "class", "probs": "probabilities", "p_yes": "yes"},
    rowwise=True,
)
GOOD = [["1", "yes", "[0.1, 0.8, 0.1]", "0.8"], ["2", "no", "[0.5, 0.25, 0.25]", "0.25"]]


def run(rows: list[list[str]] | None, path: Path | None = None, task: Task = TASK) -> Any:
    """Evidence of a run that left these rows."""
    submission = None if rows is None else pd.DataFrame(rows, columns=["id", *task.submission], dtype=object)
    template = pd.DataFrame({"id": ["1", "2"], **dict.fromkeys(task.submission, "")})
    evidence = SimpleNamespace(task=task, submission=submission, submission_path=path, template=template)
    evidence.numbers = lambda: Evidence.numbers(evidence)  # type: ignore[arg-type]
    return evidence


def with_cell(place: int, value: str) -> list[list[str]]:
    return [[*GOOD[0][:place], value, *GOOD[0][place + 1 :]], GOOD[1]]


def test_a_good_submission_passes() -> None:
    assert classes.check(run(GOOD)).passed
    assert value_range.check(run(GOOD)).passed
    assert constant.check(run([GOOD[0], ["2", *GOOD[0][1:]]])).passed is None  # the metric judges row by row


@pytest.mark.parametrize(
    ("rows", "seen"),
    [
        (with_cell(1, "never"), "label holds never"),
        (with_cell(1, "no"), "not the likeliest class of probs in 1 rows"),
        (with_cell(2, "[0.1, 0.8, 0.3]"), "does not sum to 1 in 1 rows"),
        (with_cell(2, "[0.2, 0.8]"), "does not sum to 1 in 1 rows"),
        (with_cell(2, "soon"), "does not sum to 1 in 1 rows"),
        (None, "no classes to look at"),
    ],
)
def test_what_is_wrong_is_named(rows: list[list[str]] | None, seen: str) -> None:
    finding = classes.check(run(rows))
    assert not finding.passed and seen in finding.seen


def test_numbers_need_no_classes() -> None:
    task = Task("n", "id", {"text": "{text}"}, ("score",), "numbers", {"score": "score"})
    assert classes.check(run(None, task=task)).passed is None


def test_lists_may_be_as_long_as_there_are_classes(tmp_path: Path) -> None:
    path = tmp_path / "submission.csv"
    path.write_text("x" * 64 * 6 * 3)
    assert submission_size.check(run(GOOD, path)).passed
    path.write_text("x" * (64 * 6 * 3 + 1))
    assert not submission_size.check(run(GOOD, path)).passed
