"""Memory of a tree of processes: held below a limit, and its peak measured.

A control group (version 1 or 2) is used where this user may make one; else the processes are measured a few
times a second.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import psutil

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")
PREFIX = "foldship-"  # then the process id
REMOVAL_S = 5.0


class Guard(Protocol):
    """Keeps watch over one run.

    Attributes:
        mechanism: how, in words.
        peak: most bytes seen in use at once; file pages that could be dropped do not count.
        exceeded: whether the limit was hit.
    """

    mechanism: str
    peak: int
    exceeded: bool

    def wrap(self, command: Sequence[str]) -> list[str]:
        """Return the command that runs `command` under guard."""

    def sample(self, pid: int, stop: Callable[[str], None]) -> None:
        """Measure the processes started as `pid`; call `stop` with a reason if they must be ended."""

    def close(self) -> None:
        """Remove what was set up; all processes have ended."""


class ControlGroup:
    """The operating system ends processes that would take more than the limit.

    Args:
        folder: the new group's folder; made here.
        version: 1 or 2.
        limit: bytes.

    Raises:
        OSError: this user may not make such a group.
    """

    def __init__(self, folder: Path, version: int, limit: int) -> None:
        self.mechanism = f"cgroup v{version}"
        self.peak, self.exceeded = 0, False
        self._folder, self._version = folder, version
        folder.mkdir()
        try:
            if version == 1:
                (folder / "memory.limit_in_bytes").write_text(str(limit))
                with suppress(OSError):  # swap is not always counted
                    (folder / "memory.memsw.limit_in_bytes").write_text(str(limit))
            else:
                (folder / "memory.max").write_text(str(limit))
                with suppress(OSError):
                    (folder / "memory.swap.max").write_text("0")
            if not os.access(folder / "cgroup.procs", os.W_OK):
                raise PermissionError(f"{folder / 'cgroup.procs'} is not writable")
        except OSError:
            self.close()
            raise

    def wrap(self, command: Sequence[str]) -> list[str]:
        return ["/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"', str(self._folder / "cgroup.procs"), *command]

    def sample(self, pid: int, stop: Callable[[str], None]) -> None:
        names = ("total_rss", "total_shmem") if self._version == 1 else ("anon", "shmem")
        values = _table(self._folder / "memory.stat")
        self.peak = max(self.peak, sum(values.get(name, 0) for name in names))
        events = "memory.oom_control" if self._version == 1 else "memory.events"
        self.exceeded = self.exceeded or _table(self._folder / events).get("oom_kill", 0) > 0

    def close(self) -> None:
        deadline = time.monotonic() + REMOVAL_S
        while self._folder.exists() and time.monotonic() < deadline:
            try:
                self._folder.rmdir()
            except OSError:
                time.sleep(0.05)  # its last process is still being taken apart


class Polling:
    """Adds up the processes' own memory now and then, and has them ended above the limit."""

    def __init__(self, limit: int) -> None:
        self.mechanism = "polling (short peaks can be missed)"
        self.peak, self.exceeded = 0, False
        self._limit = limit

    def wrap(self, command: Sequence[str]) -> list[str]:
        return list(command)

    def sample(self, pid: int, stop: Callable[[str], None]) -> None:
        self.peak = max(self.peak, _private_bytes(pid))
        if self.peak > self._limit and not self.exceeded:
            self.exceeded = True
            stop("memory")

    def close(self) -> None:
        """Nothing was set up."""


class Unmeasured:
    """Leaves the limit to the program that runs the sandbox."""

    def __init__(self, mechanism: str) -> None:
        self.mechanism = mechanism
        self.peak, self.exceeded = 0, False

    def wrap(self, command: Sequence[str]) -> list[str]:
        return list(command)

    def sample(self, pid: int, stop: Callable[[str], None]) -> None:
        """There is nothing to measure from here."""

    def close(self) -> None:
        """Nothing was set up."""


def guard(limit: int) -> ControlGroup | Polling:
    """The strictest guard that this machine lets this user have; `limit` in bytes."""
    name = f"{PREFIX}{os.getpid()}-{time.monotonic_ns()}"
    for parent, version in _parents():
        _clear_after_killed(parent)
        with suppress(OSError):
            return ControlGroup(parent / name, version, limit)
    return Polling(limit)


def _clear_after_killed(parent: Path) -> None:
    """Remove the empty groups of rehearsals that were killed outright."""
    for stale in parent.glob(f"{PREFIX}*"):
        if not psutil.pid_exists(int(stale.name.removeprefix(PREFIX).partition("-")[0])):
            with suppress(OSError):
                stale.rmdir()


def _parents() -> list[tuple[Path, int]]:
    """Groups below which a new one may be made, the nearest first."""
    found: list[tuple[Path, int]] = []
    with suppress(OSError):
        for line in OWN_CGROUP.read_text(encoding="utf-8").splitlines():
            _, controllers, own = line.split(":", 2)
            if "memory" in controllers.split(","):
                # Inside a container the path may be the host's, which is not to be seen here.
                found += [(place, 1) for place in (CGROUPS / "memory" / own[1:], CGROUPS / "memory")]
            elif not controllers:
                # A group with processes of its own cannot hand memory on to children, its parents can.
                place = CGROUPS / own[1:]
                found += [(parent, 2) for parent in (place, *place.parents) if _hands_on(parent)]
    return found


def _hands_on(group: Path) -> bool:
    try:
        return "memory" in (group / "cgroup.subtree_control").read_text(encoding="utf-8").split()
    except OSError:
        return False


def _table(path: Path) -> dict[str, int]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {}
    return {fields[0]: int(fields[1]) for fields in (line.split() for line in lines) if len(fields) == 2}


def _private_bytes(pid: int) -> int:
    """Memory of `pid` and all it started, without what they share with files or each other."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            with suppress(psutil.Error):  # ended meanwhile
                used = process.memory_info()
                total += used.rss - used.shared
    return total
