from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from foldship.rehearsal import groups, memory


def never(reason: str) -> None:
    raise AssertionError(f"stopped for {reason}")


@pytest.fixture
def version_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file tree like a control group file system of version 2, where the own group has processes."""
    folder = tmp_path / "cgroup"
    (folder / "user" / "session").mkdir(parents=True)
    (folder / "user" / "cgroup.subtree_control").write_text("cpu memory pids\n")
    (folder / "user" / "session" / "cgroup.subtree_control").write_text("\n")
    own = tmp_path / "own"
    own.write_text("0::/user/session\n")
    monkeypatch.setattr(groups, "CGROUPS", folder)
    monkeypatch.setattr(groups, "OWN_CGROUP", own)
    original = Path.mkdir

    def with_files(made: Path, *arguments: object) -> None:
        original(made)
        (made / "cgroup.procs").touch()

    monkeypatch.setattr(Path, "mkdir", with_files)
    return folder


def test_version_2_group_is_made_where_memory_is_handed_on(version_2):
    guard = memory.guard(1 << 20)
    (folder,) = (version_2 / "user").glob("foldship-*")
    assert guard.mechanism == "cgroup v2"
    assert (folder / "memory.max").read_text() == str(1 << 20)
    assert (folder / "memory.swap.max").read_text() == "0"
    assert str(folder / "cgroup.procs") in guard.wrap(["true"])


def test_version_2_statistics(version_2):
    guard = memory.guard(1 << 20)
    (folder,) = (version_2 / "user").glob("foldship-*")
    (folder / "memory.stat").write_text("anon 300\nfile 9000\nshmem 50\n")
    (folder / "memory.events").write_text("oom 0\noom_kill 0\n")
    guard.sample(1, never)
    assert (guard.peak, guard.exceeded) == (350, False)
    (folder / "memory.stat").write_text("anon 100\nshmem 0\n")
    (folder / "memory.events").write_text("oom 1\noom_kill 1\n")
    guard.sample(1, never)
    assert (guard.peak, guard.exceeded) == (1 << 20, True)


def test_without_groups_processes_are_polled(tmp_path, monkeypatch):
    monkeypatch.setattr(groups, "OWN_CGROUP", tmp_path / "missing")
    guard = memory.guard(1 << 20)
    assert guard.mechanism.startswith("polling")
    assert guard.wrap(["true"]) == ["true"]
    child = "data = bytearray(b'x') * (30 << 20); print(flush=True); input()"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    process = subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    process.stdout.readline()
    reasons: list[str] = []
    guard.sample(process.pid, reasons.append)
    guard.sample(process.pid, reasons.append)
    process.communicate("\n")
    assert guard.peak > 30 << 20
    assert guard.exceeded
    assert reasons == ["memory"]
    guard.sample(process.pid, never)  # it is gone


def test_a_real_group_is_gone_afterwards():
    guard = memory.guard(64 << 20)
    subprocess.run(guard.wrap(["true"]), check=True)
    guard.close()
    names = {path for parent, _ in groups.parents("memory") for path in parent.glob(f"{groups.PREFIX}*")}
    assert not {path for path in names if f"-{os.getpid()}-" in path.name}
