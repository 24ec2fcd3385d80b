"""What every way of shutting a kernel in has in common."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Protocol

from foldship.rehearsal import memory, processors
from foldship.rehearsal.image import ABSENT, Image
from foldship.rehearsal.room import HOME, TEMPORARY, WORKING, Room

IMAGE = "/opt/image"
# From an interpreter that trusts neither variables nor the current folder.
PYTHON_FLAGS = ("-I", "-c")


@dataclass(frozen=True)
class Setting:
    """One run to be shut in.

    Attributes:
        room: what the kernel finds.
        scratch: private folder on this machine, gone after the run.
        hidden: paths of this machine that must not exist inside.
        image: environment for mechanisms that bring none of their own.
        outputs: names of the files wanted from the working folder.
    """

    room: Room
    scratch: Path
    hidden: tuple[str, ...]
    image: Image
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Launch:
    """How to start the supervisor inside.

    Attributes:
        command: the program on this machine; the supervisor's report is its standard output.
        environment: all its variables.
        guard: what holds it below the memory limit.
        processors: what holds it to its share of this machine's processors.
    """

    command: list[str]
    guard: memory.Guard
    processors: processors.Limit = processors.EVERYTHING
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})

    def close(self) -> None:
        """Remove what was set up to hold it; all its processes have ended."""
        self.processors.close()
        self.guard.close()


class Mechanism(Protocol):
    """A way of shutting a kernel in.

    Attributes:
        name: to choose it by.
        isolated: whether anything is shut in at all.
    """

    name: str
    isolated: bool

    def missing(self) -> str:
        """Why it cannot work on this machine, as far as that shows without trying; else ""."""

    def launch(self, setting: Setting) -> Launch:
        """Prepare a run."""


def guarded(command: list[str], room: Room) -> Launch:
    """A launch that this machine itself holds to the room's limits.

    Raises:
        FoldshipError: it cannot be held to the room's processors.
    """
    guard = memory.guard(room.memory_bytes)
    try:
        return Launch(command, guard, processors.limit(room.cpus, guard))
    except BaseException:
        guard.close()
        raise


def supervise(
    python: str,
    setting: Setting,
    *,
    kernel_python: str,
    offline: bool = True,
    absent: Sequence[str] = ABSENT,
    working: str = WORKING,
    script: str | None = None,
    environment: dict[str, str] | None = None,
    check_mounts: bool = True,
) -> list[str]:
    """The command, as seen from inside, that runs the supervisor.

    Args:
        python: interpreter for the supervisor.
        setting: the run.
        kernel_python: interpreter for the kernel.
        offline: whether a reachable network is a failure.
        absent: packages whose presence is a failure.
        working: the kernel's current folder.
        script: the kernel's code file, where it is not at its usual place.
        environment: the kernel's variables, where they are not the usual ones.
        check_mounts: whether the folders must be read-only, writable, hidden and limited as planned.
    """
    room = setting.room
    plan = {
        "command": [kernel_python, script or room.script],
        "working": working,
        "environment": environment or dict(room.environment),
        "limit_s": room.limit_s,
        "outputs": setting.outputs,
        "offline": offline,
        "absent": list(absent),
        "read_only": [bind.target for bind in room.binds if not bind.writable] if check_mounts else [],
        "writable": [WORKING, TEMPORARY, HOME] if check_mounts else [],
        "hidden": setting.hidden if check_mounts else [],
        "working_bytes": room.working_bytes if check_mounts else None,
    }
    source = resources.files("foldship.rehearsal.inside").joinpath("supervisor.py").read_text("utf-8")
    return [python, *PYTHON_FLAGS, source, json.dumps(plan)]
