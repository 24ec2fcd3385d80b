"""Memory of a tree of processes: held below a limit, and its peak measured.

A control group (version 1 or 2) is used where this user may make one; else the processes are measured a few
times a second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import psutil

from foldship.rehearsal import groups


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
        parent: folder of the group to make the new one in.
        version: 1 or 2.
        limit: bytes.

    Attributes:
        version: 1 or 2.
        group: the new group.

    Raises:
        OSError: this user may not make such a group.
    """

    def __init__(self, parent: Path, version: int, limit: int) -> None:
        self.mechanism = f"cgroup v{version}"
        self.peak, self.exceeded = 0, False
        self.version, self._limit = version, limit
        if version == 1:
            # Swap is not always counted.
            optional = {"memory.memsw.limit_in_bytes": str(limit)}
            self.group = groups.Group(parent, {"memory.limit_in_bytes": str(limit)}, optional)
        else:
            self.group = groups.Group(parent, {"memory.max": str(limit)}, {"memory.swap.max": "0"})

    def wrap(self, command: Sequence[str]) -> list[str]:
        return self.group.wrap(command)

    def sample(self, pid: int, stop: Callable[[str], None]) -> None:
        names = ("total_rss", "total_shmem") if self.version == 1 else ("anon", "shmem")
        values = _table(self.group.folder / "memory.stat")
        self.peak = max(self.peak, sum(values.get(name, 0) for name in names))
        events = "memory.oom_control" if self.version == 1 else "memory.events"
        if _table(self.group.folder / events).get("oom_kill", 0) > 0:
            self.exceeded = True
            self.peak = max(self.peak, self._limit)  # it was reached, if only between two samples

    def close(self) -> None:
        self.group.close()


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
    for parent, version in groups.parents("memory"):
        with suppress(OSError):
            return ControlGroup(parent, version, limit)
    return Polling(limit)


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
