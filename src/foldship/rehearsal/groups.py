"""Control groups (version 1 or 2) of a run of its own, where this user may make some."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")
PREFIX = "foldship-"  # then the process id
REMOVAL_S = 5.0


class Group:
    """A new group; the processes started in it are held by its settings.

    Args:
        parent: folder of the group to make it in.
        settings: content of the group's files, by name.
        optional: the same for files that not every system has.

    Attributes:
        folder: the group's folder.

    Raises:
        OSError: this user may not make such a group.
    """

    def __init__(
        self, parent: Path, settings: Mapping[str, str], optional: Mapping[str, str] | None = None
    ) -> None:
        _clear_after_killed(parent)
        self.folder = parent / f"{PREFIX}{os.getpid()}-{time.monotonic_ns()}"
        self.folder.mkdir()
        try:
            for name, text in settings.items():
                self.set(name, text)
            for name, text in (optional or {}).items():
                with suppress(OSError):
                    self.set(name, text)
            if not os.access(self.folder / "cgroup.procs", os.W_OK):
                raise PermissionError(f"{self.folder / 'cgroup.procs'} is not writable")
        except OSError:
            self.close()
            raise

    def set(self, name: str, text: str) -> None:
        """Write one of the group's files.

        Raises:
            OSError: the group has no such file, or it may not be written.
        """
        (self.folder / name).write_text(text)

    def wrap(self, command: Sequence[str]) -> list[str]:
        """The command that runs `command` in the group."""
        return ["/bin/sh", "-c", 'echo $$ > "$0" && exec "$@"', str(self.folder / "cgroup.procs"), *command]

    def close(self) -> None:
        """Remove the group; all its processes have ended."""
        deadline = time.monotonic() + REMOVAL_S
        while self.folder.exists() and time.monotonic() < deadline:
            try:
                self.folder.rmdir()
            except OSError:
                time.sleep(0.05)  # its last process is still being taken apart


def parents(controller: str) -> list[tuple[Path, int]]:
    """Groups below which one with this controller may be made, and their version, the nearest first."""
    found: list[tuple[Path, int]] = []
    with suppress(OSError):
        for line in OWN_CGROUP.read_text(encoding="utf-8").splitlines():
            _, controllers, own = line.split(":", 2)
            if controller in controllers.split(","):
                # Inside a container the path may be the host's, which is not to be seen here.
                found += [(place, 1) for place in (CGROUPS / controller / own[1:], CGROUPS / controller)]
            elif not controllers:
                # A group with processes of its own cannot hand a controller on to children, its parents can.
                place = CGROUPS / own[1:]
                found += [(parent, 2) for parent in (place, *place.parents) if _hands_on(parent, controller)]
    return found


def _hands_on(group: Path, controller: str) -> bool:
    try:
        return controller in (group / "cgroup.subtree_control").read_text(encoding="utf-8").split()
    except OSError:
        return False


def _clear_after_killed(parent: Path) -> None:
    """Remove the empty groups of rehearsals that were killed outright."""
    for stale in parent.glob(f"{PREFIX}*"):
        if not psutil.pid_exists(int(stale.name.removeprefix(PREFIX).partition("-")[0])):
            with suppress(OSError):
                stale.rmdir()
