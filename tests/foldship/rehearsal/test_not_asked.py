"""A check that nobody could make is "not asked": it is never shown as passed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from foldship.levels import Level
from foldship.rehearsal import checks
from foldship.rehearsal.evidence import Evidence, Finding
from foldship_kernel.tasks import NUMBERS, Task

TASK = Task("n", "id", {"text": "{text}"}, ("score",), NUMBERS, {"score": "score"})
ABOUT_FILES = {"kernel size", "internet off", "dataset whole", "sample as declared"}
STATUS = {
    "exit_code": 0,
    "signal": None,
    "stopped": None,
    "seconds": 1.0,
    "largest_process_bytes": 1,
    "network_attempts": 0,
    "working_bytes": 1,
    "working_files": 1,
}


@pytest.fixture
def nothing(tmp_path: Path) -> Evidence:
    """A run of which nothing came back."""
    (tmp_path / "kernel-metadata.json").write_text('{"enable_internet": false}')
    return Evidence(
        kernel=tmp_path,
        dataset=tmp_path,
        template=pd.DataFrame({"id": ["1", "2"], "score": ""}),
        task=TASK,
        submission_path=None,
        submission=None,
        submission_error="",
        summary={},
        status=None,
        broken="",
        isolated=True,
        limit_s=60.0,
        memory_bytes=1 << 30,
        working_bytes=1 << 30,
        peak_bytes=0,
        memory_exceeded=False,
    )


def judged(run: Evidence) -> dict[str, Finding]:
    return {finding.name: finding for finding in checks.judge(run)}


def test_of_a_run_that_left_nothing_no_check_passes(nothing: Evidence) -> None:
    levels = {name: finding.level for name, finding in judged(nothing).items()}
    assert {name for name, level in levels.items() if level is Level.PASSED} <= ABOUT_FILES
    assert levels["exit status"] is levels["submission present"] is Level.FAILED


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"isolated": False, "status": STATUS}, "no network"),
        ({"status": STATUS | {"network_attempts": None}}, "no network"),
        ({"status": STATUS}, "memory limit"),
        ({}, "classes"),
        ({}, "passages found"),
        ({}, "margin"),
        ({"submission": pd.DataFrame({"id": ["1"], "score": ["0.5"]})}, "no constant column"),
    ],
)
def test_what_could_not_be_seen_is_not_asked(nothing: Evidence, changed: dict[str, Any], rule: str) -> None:
    finding = judged(replace(nothing, **changed))[rule]
    assert finding.level is Level.NOT_ASKED and finding.passed is None and finding.seen


def test_what_was_seen_passes(nothing: Evidence) -> None:
    found = judged(replace(nothing, status=STATUS, peak_bytes=1))
    for name in ("exit status", "time limit", "memory limit", "no network", "working folder"):
        assert found[name].level is Level.PASSED, name
