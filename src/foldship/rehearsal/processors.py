"""A rehearsal on fewer processors than this machine has: affinity, and a quota where a fraction is wanted."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from foldship.rehearsal import groups, memory
from foldship_kernel.errors import FoldshipError

PERIOD_US = 100_000  # of the scheduler, in which a quota is handed out


@dataclass(frozen=True)
class Limit:
    """Processors that one run may use.

    Attributes:
        mechanism: how it is held to them, in words.
        chosen: numbers of the processors; empty for all of this process's own.
        group: the control group that holds it to a fraction of them, if one was made for that alone.
    """

    mechanism: str
    chosen: frozenset[int] = frozenset()
    group: groups.Group | None = None

    def wrap(self, command: Sequence[str]) -> list[str]:
        """The command that runs `command` within the quota."""
        return self.group.wrap(command) if self.group else list(command)

    @contextmanager
    def affinity(self) -> Iterator[None]:
        """What is started in this block, from this thread, runs on the chosen processors only."""
        before = os.sched_getaffinity(0)
        if self.chosen:
            os.sched_setaffinity(0, self.chosen)
        try:
            yield
        finally:
            os.sched_setaffinity(0, before)

    def close(self) -> None:
        """Remove what was set up; all processes have ended."""
        if self.group:
            self.group.close()


EVERYTHING = Limit("nothing: all of this machine")


def check(cpus: float | None) -> None:
    """Refuse a number of processors that this machine cannot give.

    Raises:
        FoldshipError: it is not above 0, or more than there are.
    """
    there = len(os.sched_getaffinity(0))
    if cpus is not None and not 0 < cpus <= there:
        raise FoldshipError(
            "impossible number of processors",
            expected=f"above 0, and at most the {there} that this machine has",
            found=f"{cpus:g}",
            fix="give CPUS= a number in that range, such as 1 or 0.5",
        )


def limit(cpus: float | None, guard: memory.Guard) -> Limit:
    """Hold a run to `cpus` processors, a checked number; None for all.

    Args:
        cpus: a whole number becomes an affinity; with a fraction, that of the next whole number and a quota.
        guard: of the run's memory; in version 2 of control groups a process has one group for both.

    Raises:
        FoldshipError: a fraction is wanted, and this user may not set a quota.
    """
    if cpus is None:
        return EVERYTHING
    chosen = sorted(os.sched_getaffinity(0))[: math.ceil(cpus)]
    held = f"affinity to processor {', '.join(map(str, chosen))}"
    if cpus == len(chosen):
        return Limit(held, frozenset(chosen))
    version, group = _quota(cpus, guard)
    return Limit(f"{held}; quota of {cpus:g} processors (cgroup v{version})", frozenset(chosen), group)


def _quota(cpus: float, guard: memory.Guard) -> tuple[int, groups.Group | None]:
    """Version of the control group that holds the quota, and the group if it is not the memory's own."""
    quota = str(round(cpus * PERIOD_US))
    if isinstance(guard, memory.ControlGroup) and guard.version == 2:
        with suppress(OSError):
            guard.group.set("cpu.max", f"{quota} {PERIOD_US}")
            return 2, None
    else:
        for parent, version in groups.parents("cpu"):
            settings = (
                {"cpu.cfs_period_us": str(PERIOD_US), "cpu.cfs_quota_us": quota}
                if version == 1
                else {"cpu.max": f"{quota} {PERIOD_US}"}
            )
            with suppress(OSError):
                return version, groups.Group(parent, settings)
    raise FoldshipError(
        f"a fraction of a processor ({cpus:g}) cannot be had here",
        expected="a control group with the cpu controller, which this user may make",
        fix="give CPUS= a whole number; or run as root, or in a session that the cpu controller is delegated "
        "to (`systemd-run --user --scope -p Delegate=yes make simulate ...`)",
    )
