from __future__ import annotations

import os
from pathlib import Path

import pytest

from foldship_kernel import devices


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of 8 processors and 4 GiB without any control group."""
    monkeypatch.setattr(devices, "CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(devices, "PROC", tmp_path / "proc")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    put(tmp_path / "proc" / "meminfo", "MemTotal: 9999999 kB\nMemAvailable:    4194304 kB\n")
    return tmp_path


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 8),
        ({"cpu.max": "max 100000"}, 8),
        ({"cpu.max": "200000 100000"}, 2),
        ({"cpu.max": "150000 100000"}, 2),
        ({"cpu.max": "10000 100000"}, 1),
        ({"cpu.max": "1600000 100000"}, 8),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 8),
        ({"cpu/cpu.cfs_quota_us": "400000", "cpu/cpu.cfs_period_us": "100000"}, 4),
        ({"cpu.max": "rubbish"}, 8),
    ],
)
def test_threads_are_what_affinity_and_quota_grant(
    machine: Path, files: dict[str, str], expected: int
) -> None:
    for name, text in files.items():
        put(machine / "cgroup" / name, text)
    assert devices.threads() == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 4 << 30),
        ({"memory.max": "max", "memory.current": "7"}, 4 << 30),
        ({"memory.max": str(1 << 30), "memory.current": str(1 << 29)}, 1 << 29),
        (
            {"memory/memory.limit_in_bytes": str(1 << 30), "memory/memory.usage_in_bytes": str(1 << 28)},
            (1 << 30) - (1 << 28),
        ),
        ({"memory.max": "100", "memory.current": "200"}, 0),
    ],
)
def test_free_memory_is_what_machine_and_group_leave(
    machine: Path, files: dict[str, str], expected: int
) -> None:
    for name, text in files.items():
        put(machine / "cgroup" / name, text)
    assert devices.free_memory() == expected


def test_on_an_unknown_system_no_memory_counts_as_free(machine: Path) -> None:
    (machine / "proc" / "meminfo").unlink()
    assert devices.free_memory() == 0
    assert devices.own_memory() == 0


def test_this_process_has_some_memory() -> None:
    assert devices.own_memory() > 1 << 20
    assert devices.free_memory() > 0
