"""On what, when and with which code a suite was measured."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
RESULTS = "bench/RESULTS.md"
REPORTS = "bench/results"


@dataclass(frozen=True)
class Stamp:
    """Where a suite's numbers come from.

    Attributes:
        machine: processor or GPU, memory, system.
        commit: of the project, "-dirty" when other files than the results had been changed.
        command: what to type for the same run.
        date: ISO, UTC.
    """

    machine: str
    commit: str
    command: str
    date: str


def stamp(command: str) -> Stamp:
    """The stamp of what this process measures on the processor."""
    return Stamp(describe(), commit(), command, datetime.now(UTC).date().isoformat())


def with_gpu(stamp: Stamp) -> Stamp:
    """The stamp of what this process measures on its GPU."""
    import torch

    return replace(stamp, machine=f"{torch.cuda.get_device_name()}, {stamp.machine}")


def describe() -> str:
    """The machine in words, as far as this process may use it."""
    cores = len(os.sched_getaffinity(0))
    memory = psutil.virtual_memory().total / 2**30
    return f"{_processor()}, {cores} cores, {memory:.0f} GiB, Linux {platform.machine()}"


def commit() -> str:
    """The commit that is checked out, `unknown` outside a repository."""
    try:
        found = _git("rev-parse", "--short=12", "HEAD")
        but = f":!{RESULTS}", f":!{REPORTS}"
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", ".", *but)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{found}-dirty" if changed else found


def confine(threads: int) -> None:
    """Confine this process, its children and their thread pools to some processors.

    Libraries count the processors when they are imported, so this must come first.
    """
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    os.environ["OMP_NUM_THREADS"] = str(len(os.sched_getaffinity(0)))


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
