from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from foldship.rehearsal import groups, memory, processors
from foldship_kernel.errors import FoldshipError

THERE = sorted(os.sched_getaffinity(0))
COUNT = "import os; print(len(os.sched_getaffinity(0)))"
QUOTA = "for file in cpu.cfs_quota_us cpu.max; do cat $0/$file 2>/dev/null; done; true"


@pytest.mark.parametrize("cpus", [0, -1, len(THERE) + 1, float("nan"), float("inf")])
def test_what_this_machine_cannot_give_is_refused(cpus: float) -> None:
    with pytest.raises(FoldshipError, match="impossible number of processors") as error:
        processors.check(cpus)
    assert str(len(THERE)) in error.value.expected and "CPUS=" in error.value.fix


def test_whole_processors_are_an_affinity_and_this_process_keeps_its_own(tmp_path: Path) -> None:
    held = processors.limit(1, memory.Unmeasured("nothing"))
    assert held.mechanism == f"affinity to processor {THERE[0]}"
    with held.affinity():
        seen = subprocess.check_output(held.wrap(["python3", "-c", COUNT]), text=True)
    assert seen.strip() == "1"
    assert sorted(os.sched_getaffinity(0)) == THERE


def test_without_a_wish_nothing_is_held() -> None:
    held = processors.limit(None, memory.Unmeasured("nothing"))
    assert held.wrap(["true"]) == ["true"]
    with held.affinity():
        assert sorted(os.sched_getaffinity(0)) == THERE


def test_a_real_quota_is_set_and_gone_afterwards() -> None:
    guard = memory.guard(64 << 20)
    try:
        held = processors.limit(0.5, guard)
    except FoldshipError as error:
        guard.close()
        pytest.skip(str(error))
    folder = (held.group or guard.group).folder
    text = subprocess.check_output(held.wrap(guard.wrap(["sh", "-c", QUOTA, str(folder)])), text=True)
    assert text.split()[0] == "50000"
    assert "quota of 0.5 processors (cgroup v" in held.mechanism
    held.close()
    guard.close()
    assert not folder.exists()


def test_in_version_2_the_memory_group_holds_the_quota_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: True)  # an ordinary folder has no cgroup.procs
    guard = memory.ControlGroup(tmp_path, 2, 1 << 20)
    held = processors.limit(0.25, guard)
    assert (guard.group.folder / "cpu.max").read_text() == "25000 100000"
    assert held.group is None and held.mechanism.endswith("quota of 0.25 processors (cgroup v2)")


def test_a_fraction_that_cannot_be_had_names_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "OWN_CGROUP", tmp_path / "missing")
    with pytest.raises(FoldshipError, match=r"a fraction of a processor \(0\.5\)") as error:
        processors.limit(0.5, memory.Polling(1))
    assert "whole number" in error.value.fix
