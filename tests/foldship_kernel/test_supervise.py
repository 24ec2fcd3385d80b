"""The supervisor with small scripts in the worker's place."""

from __future__ import annotations

import builtins
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from foldship_kernel import supervise
from foldship_kernel.deadline import Deadline

MANIFEST = {
    "limit_s": 30,
    "task": {"id": "id", "template": "sample_submission.csv", "submission": {"score": "score"}},
    "fallback": {"score": {"mean": 0.5, "spread": 0.1}},
    "models": [{"name": "m", "folds": [{"fold": 0}, {"fold": 1}]}],
}
HANG = "import time; time.sleep(60)"
ONE_FOLD = """
import json, pathlib
account = {"status": "running", "folds_used": ["m fold 1"], "folds_left_out": {}}
pathlib.Path("foldship.json").write_text(json.dumps(account))
"""


class Stage:
    """A bundle, an input with a template, and a working folder."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bundle, self.inputs, self.working = (folder / name for name in ("bundle.json", "in", "out"))
        self.bundle.write_text(json.dumps(MANIFEST))
        self.inputs.mkdir()
        (self.inputs / "sample_submission.csv").write_text("id,score\n1,0\n2,0\n")
        self._monkeypatch = monkeypatch
        self.workers: list[str] = []

    def play(self, script: str, limit_s: float) -> int:
        def start(bundle: Path, inputs: Path, working: Path, *_: Any, frugal: bool) -> subprocess.Popen[str]:
            self.workers.append("frugal" if frugal else "usual")
            return subprocess.Popen(
                [sys.executable, "-S", "-c", script],
                cwd=working,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )

        self._monkeypatch.setattr(supervise, "_start", start)
        self._monkeypatch.setenv("FOLDSHIP_LIMIT_S", str(limit_s))
        return supervise.main(self.bundle, self.inputs, self.working, time.monotonic())

    def facts(self) -> dict[str, Any]:
        return json.loads((self.working / "foldship.json").read_text())

    def files(self) -> list[str]:
        return sorted(path.name for path in self.working.iterdir())


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    before = signal.getsignal(signal.SIGTERM)
    yield Stage(tmp_path, monkeypatch)
    signal.signal(signal.SIGTERM, before)  # the supervisor's own must not outlive it here


def test_a_worker_that_hangs_is_stopped_below_the_limit(stage: Stage) -> None:
    assert stage.play(HANG, 2) == 0
    facts = stage.facts()
    assert facts["seconds"] < 2
    assert facts["status"] == "fallback"
    assert set(facts["folds_left_out"]) == {"m fold 0", "m fold 1"}
    assert all(why.startswith("no time") for why in facts["folds_left_out"].values())


class Hanging:
    """A worker that never ends, in a time of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(time, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def wait(self, timeout: float) -> None:
        self.now += timeout
        raise subprocess.TimeoutExpired("worker", timeout)

    def poll(self) -> None:
        return None


@pytest.mark.parametrize("submitted", [False, True])
def test_the_wait_for_a_first_submission_leaves_time_to_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, submitted: bool
) -> None:
    worker = Hanging(monkeypatch)
    submission = tmp_path / "submission.csv"
    if submitted:
        submission.touch()
    assert not supervise._wait(worker, Deadline(0.0, 100.0, lambda: worker.now), submission)
    assert worker.now == pytest.approx(98 if submitted else 99.5, abs=0.1)


def test_folds_that_a_killed_worker_did_not_reach_are_named(stage: Stage) -> None:
    assert stage.play(ONE_FOLD + "import os; os.kill(os.getpid(), 9)", 30) == 0
    facts = stage.facts()
    assert facts["status"] == "partial"
    assert facts["folds_used"] == ["m fold 1"]
    assert list(facts["folds_left_out"]) == ["m fold 0"]
    assert facts["folds_left_out"]["m fold 0"].startswith("failed") and "SIGKILL" in str(facts)


def test_a_killed_worker_is_followed_by_a_frugal_one_and_by_no_third(stage: Stage) -> None:
    stage.play("import os; os.kill(os.getpid(), 9)", 30)
    assert stage.workers == ["usual", "frugal"]


def test_a_worker_that_ends_by_itself_is_the_only_one(stage: Stage) -> None:
    stage.play("raise SystemExit(1)", 30)
    assert stage.workers == ["usual"]


def test_what_a_killed_worker_was_writing_is_removed(stage: Stage) -> None:
    writing = "[open(f'.{name}.x1.part', 'w') for name in ('submission.csv', 'foldship.json')]\n"
    stage.play(writing + "import os; os.kill(os.getpid(), 9)", 30)
    assert stage.files() == ["foldship.json", "submission.csv"]


def test_what_an_earlier_run_left_is_removed(stage: Stage) -> None:
    stage.working.mkdir()
    for name in ("submission.csv", ".submission.csv.x1.part", "foldship.json", ".foldship.json.stopgap"):
        (stage.working / name).write_text("old")
    assert stage.play("", 30) == 0
    assert stage.files() == ["submission.csv"]


def test_a_scratch_folder_that_cannot_be_cleaned_costs_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("busy")

    monkeypatch.setattr(tempfile, "tempdir", str(stage.bundle.parent))
    with monkeypatch.context() as patch:
        patch.setattr(os, "rmdir", refuse)
        assert stage.play("", 30) == 0


@pytest.mark.parametrize("error", [BrokenPipeError, ValueError("I/O operation on closed file")])
def test_output_that_nobody_reads_is_still_taken_from_the_worker(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise error

    lines = io.StringIO("one\ntwo\nthree\n")
    with monkeypatch.context() as patch:
        patch.setattr(builtins, "print", refuse)
        supervise._relay(lines)
    assert lines.read() == ""
