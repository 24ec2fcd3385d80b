from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import psutil
import pytest
import torch
import works

from foldship.training import side_by_side
from foldship.training.side_by_side import MEMORY_A_JOB, Work
from foldship_kernel.errors import FoldshipError


def run(folder: Path, **do: Callable[[], None]) -> None:
    side_by_side.run([Work(name, folder / name, work) for name, work in do.items()], 2, room)


def room(work: Work, running: Sequence[Work]) -> None:
    assert work not in running


@pytest.fixture(autouse=True)
def on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(side_by_side, "PRELOAD", ["torch"])  # all that the stand-ins need


@pytest.mark.parametrize(
    ("wanted", "folds", "threads", "gib", "expected"),
    [
        (None, 5, 2, 64, 2),
        (None, 5, 16, 64, 5),
        (None, 5, 16, 7, 2),
        (None, 5, 4, 1, 1),
        (3, 5, 1, 1, 3),
        (3, 2, 8, 64, 2),
        (None, 0, 8, 64, 1),
    ],
)
def test_as_many_jobs_as_threads_memory_and_folds_allow(
    monkeypatch: pytest.MonkeyPatch, wanted: int | None, folds: int, threads: int, gib: int, expected: int
) -> None:
    assert MEMORY_A_JOB == 3 * 2**30
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    monkeypatch.setattr(side_by_side.devices, "threads", lambda: 99)
    monkeypatch.setattr(side_by_side.devices, "free_memory", lambda: gib * 2**30)
    assert side_by_side.jobs(wanted, folds) == expected


def test_cuda_trains_one_fold_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert side_by_side.jobs(4, 5) == 1


def test_folds_share_the_threads_and_their_lines_arrive(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(side_by_side, "_threads", lambda: 5)
    files = [tmp_path / name for name in "ab"]
    run(tmp_path, **{file.name: partial(works.write_threads, file) for file in files})
    told = [file.read_text().split() for file in files]
    assert [words[0] for words in told] == ["2", "2"]
    assert len({words[1] for words in told} | {str(os.getpid())}) == 3
    printed = capsys.readouterr().out
    assert all(f"wrote {file.name}\n" in printed for file in files)


def test_the_last_fold_of_a_run_that_goes_on_gets_the_threads_it_had(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(side_by_side, "_threads", lambda: 6)
    file = tmp_path / "a"
    work = Work("a", tmp_path, partial(works.write_threads, file))
    side_by_side.run([work], 3, room, finished=4)
    assert file.read_text().split()[0] == "2"


def test_folds_run_at_the_same_time(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    run(
        tmp_path,
        first=partial(works.write_after, first, second.with_suffix(".begun")),
        second=partial(works.write_after, second, first.with_suffix(".begun")),
    )
    assert first.exists() and second.exists()


@pytest.mark.parametrize(
    ("kind", "error", "match"),
    [
        ("foldship", FoldshipError, "the fold failed\n.*mend it"),
        ("os", OSError, "No space left on device: '/a/file'"),
        ("unpicklable", RuntimeError, "no way"),
        ("killed", FoldshipError, "bad: its process ended.*\n.*signal 9"),
    ],
)
def test_the_first_fold_that_fails_ends_the_others(
    tmp_path: Path, kind: str, error: type[Exception], match: str
) -> None:
    begun = tmp_path / "begun"
    with pytest.raises(error, match=match):
        run(
            tmp_path,
            good=partial(works.wait_for_ever, begun),
            bad=partial(works.fail_once_begun, kind, begun),
        )
    assert not psutil.pid_exists(int(begun.read_text()))


def test_a_fold_without_room_waits_for_the_one_that_runs(tmp_path: Path) -> None:
    asked = []

    def for_one(work: Work, running: Sequence[Work]) -> None:
        asked.append((work.name, [other.name for other in running]))
        if running:
            raise FoldshipError("too little disk space")

    files = [tmp_path / name for name in "ab"]
    todo = [Work(file.name, file, file.touch) for file in files]
    side_by_side.run(todo, 2, for_one)
    assert asked == [("a", []), ("b", ["a"]), ("b", [])]
    assert all(file.is_file() for file in files)


def test_without_room_for_a_single_fold_nothing_runs(tmp_path: Path) -> None:
    def for_none(work: Work, running: Sequence[Work]) -> None:
        raise FoldshipError("too little disk space")

    files = [tmp_path / name for name in "ab"]
    todo = [Work(file.name, file, file.touch) for file in files]
    with pytest.raises(FoldshipError, match="too little"):
        side_by_side.run(todo, 2, for_none)
    assert not any(file.is_file() for file in files)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_the_program_is_stopped_no_process_is_left(tmp_path: Path, how: signal.Signals) -> None:
    process = subprocess.Popen([sys.executable, works.__file__, str(tmp_path)], stderr=subprocess.DEVNULL)
    files = [tmp_path / name for name in ("first", "second")]
    while not all(file.is_file() and file.read_text() for file in files):
        assert process.poll() is None
        time.sleep(0.01)
    children = psutil.Process(process.pid).children(recursive=True)
    assert {int(file.read_text()) for file in files} <= {child.pid for child in children}
    process.send_signal(how)
    assert process.wait(timeout=60) != 0
    assert not psutil.wait_procs(children, timeout=60)[1]
