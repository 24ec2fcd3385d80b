"""What the rehearsal asks of a submission by the competition's own sample."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from foldship.rehearsal import table
from foldship.rehearsal.checks import (
    columns,
    encoding,
    ids,
    kinds,
    plain_numbers,
    sample_declared,
    trained_values,
)
from foldship.rehearsal.sample import read
from foldship_kernel.decisions import SIDE
from foldship_kernel.tasks import Task

TASK = Task("some", "id", {"text": "{text}"}, ("target",), "numbers", {"target": "target"}, rowwise=True)
DECIDED = replace(TASK, decision=SIDE, spellings={"target": {"0": "0", "1": "1"}})
SAMPLE = "id,target\n9e7,0\n00123,1\n"


def run(folder: Path, sample: str, submission: str | bytes, task: Task = TASK) -> Any:
    """Evidence of a run that left this submission."""
    (folder / "sample_submission.csv").write_text(sample)
    path = folder / "submission.csv"
    path.write_bytes(submission if isinstance(submission, bytes) else submission.encode())
    found = table.read(path)
    return SimpleNamespace(
        task=task,
        submission=found,
        submission_path=path,
        sample=read(folder / "sample_submission.csv", "utf-8"),
        template=found[[found.columns[0]]].reindex(columns=["id", "target"]),
    )


def test_a_good_submission_passes(tmp_path: Path) -> None:
    evidence = run(tmp_path, SAMPLE, "id,target\n9e7,1\n00123,0\n", DECIDED)
    for rule in (columns, encoding, ids, kinds, plain_numbers, sample_declared, trained_values):
        assert rule.check(evidence).passed, rule


@pytest.mark.parametrize(
    ("rule", "sample", "submission", "seen"),
    [
        (kinds, SAMPLE, "id,target\n9e7,0.537\n00123,1\n", "'0.537', where the sample has whole numbers"),
        (kinds, SAMPLE, "id,target\n9e7,1e-05\n00123,1\n", "fractions"),
        (kinds, "id,target\na,spam\n", "id,target\na,0.5\n", "where the sample has texts"),
        (kinds, SAMPLE, "id,target\n9e7,TRUE\n00123,1\n", "texts"),
        (sample_declared, "id,target,second\na,0,0\n", "id,target\na,0\n", "second"),
        (sample_declared, "id,target,target\na,0,0\n", "id,target\na,0\n", "2 times"),
        (columns, "target,id\n0,a\n", "id,target\na,0\n", "another order"),
        (ids, "id,target\n1.0,0\n", "id,target\n1,0\n", "1 missing (1.0)"),
        (ids, "id,target\na,0\nb,0\n", "id,target\na,0\n", "1 ids for 2"),
        (plain_numbers, "id,target\na,0.0\n", "id,target\na, 0.5\n", "' 0.5'"),
        (trained_values, SAMPLE, "id,target\n9e7,5\n00123,1\n", "target holds 5"),
    ],
)
def test_what_is_wrong_is_named_with_a_remedy(
    tmp_path: Path, rule: Any, sample: str, submission: str, seen: str
) -> None:
    finding = rule.check(run(tmp_path, sample, submission, DECIDED))
    assert not finding.passed and seen in finding.seen and finding.remedy


def test_a_byte_order_mark_is_named(tmp_path: Path) -> None:
    finding = encoding.check(run(tmp_path, SAMPLE, b"\xef\xbb\xbfid,target\n9e7,1\n"))
    assert not finding.passed and "byte order mark" in finding.seen


def test_values_that_only_fill_cells_ask_for_nothing(tmp_path: Path) -> None:
    evidence = run(
        tmp_path, SAMPLE, "id,target\n9e7,0.5\n00123,0.2\n", replace(TASK, placeholder=("target",))
    )
    assert kinds.check(evidence).passed
