from __future__ import annotations

import resource
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from foldship.preflight import Answers, machine

MIB = 1 << 20


@pytest.mark.parametrize("version", [(3, 10), (3, 13), (3, 14)])
def test_a_python_without_the_libraries_is_refused(version: tuple[int, int]) -> None:
    assert not Answers().ask(machine.python, version)
    assert Answers().ask(machine.python)


@pytest.mark.parametrize(("hard", "well"), [(4096, True), (64, False)])
def test_as_many_files_as_are_allowed_may_be_open(
    hard: int, well: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = {"now": (64, hard)}
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits["now"])
    monkeypatch.setattr(resource, "setrlimit", lambda _, new: limits.update(now=new))
    assert Answers().ask(machine.open_files) is well
    assert limits["now"] == (min(machine.FILES, hard), hard)


def test_a_folder_that_cannot_be_made_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    answers = Answers()
    assert not answers.ask(machine.writable, tmp_path / "new" / "folder", tmp_path / "file" / "weights")
    (error,) = answers.refusals
    assert error.what == f"{tmp_path / 'file' / 'weights'}: cannot be written to"
    assert "FOLDSHIP_ROOT" in error.fix
    assert not list((tmp_path / "new" / "folder").iterdir())


def test_weights_beyond_all_memory_are_refused() -> None:
    assert Answers().ask(machine.memory, "backbone 'x'", 4 << 30, 4 << 30)
    answers = Answers()
    assert not answers.ask(machine.memory, "backbone 'x'", 28 << 30, 16 << 30)
    (error,) = answers.refusals
    assert error.what == "backbone 'x': does not fit into this machine's memory"
    assert error.found == "16.0 GiB, swap included"


def test_what_is_written_to_one_disk_is_added_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100 * MIB))
    needs = {"weights": (tmp_path, 60 * MIB), "graphs": (tmp_path, 40 * MIB), "nothing": (tmp_path, 0)}
    assert Answers().ask(machine.room, needs)
    answers = Answers()
    assert not answers.ask(machine.room, {**needs, "bundle": (tmp_path, MIB)})
    (error,) = answers.refusals
    assert error.expected == "101 MiB free: weights 60 MiB, graphs 40 MiB, bundle 1 MiB"
    assert error.found == "100 MiB"
