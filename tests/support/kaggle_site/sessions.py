"""Kernels, and the sessions that run them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

QUEUED, RUNNING, COMPLETE, ERROR = "QUEUED", "RUNNING", "COMPLETE", "ERROR"
OUT_OF_TIME = "Your notebook was stopped because it exceeded the max allowed execution duration."
OUT_OF_MEMORY = "Your notebook tried to allocate more memory than is available. It has restarted."


@dataclass
class Session:
    """One run of one version of a kernel. It goes on by being asked for its status, never by itself.

    Attributes:
        order: counts all sessions.
        kernel: "owner/slug".
        number: version of the kernel, from 1.
        request: what was pushed.
        datasets: folders attached, by "owner/slug".
        competitions: folders attached, by slug.
        output: folder for what the run leaves behind.
        run: carries it out.
        queued: polls it still waits for a machine; None for ever.
        running: polls it then still runs.
        log: events of the log: stream_name, time (seconds since the start), data.
        failure: what went wrong, "" where Kaggle has no words for it; None for nothing.
        status: QUEUED, RUNNING, COMPLETE or ERROR.
    """

    order: int
    kernel: str
    number: int
    request: Mapping[str, Any]
    datasets: dict[str, Path]
    competitions: dict[str, Path]
    output: Path
    run: Callable[[Session], None]
    queued: int | None
    running: int
    log: list[dict[str, Any]] = field(default_factory=list)
    failure: str | None = None
    status: str = QUEUED

    def poll(self) -> str:
        """Ask for the status, which brings it forward; the run itself is carried out when it must end."""
        if self.status == QUEUED:
            if self.queued is None or self.queued > 0:
                self.queued = None if self.queued is None else self.queued - 1
                return QUEUED
            self.status = RUNNING
        if self.status == RUNNING:
            if self.running > 0:
                self.running -= 1
                return RUNNING
            self.finish()
        return self.status

    def finish(self) -> None:
        """Carry the run out."""
        self.run(self)
        self.status = COMPLETE if self.failure is None else ERROR

    def say(self, data: str, stream: str = "stdout") -> None:
        """Write to the log."""
        self.log.append({"stream_name": stream, "time": len(self.log) / 10, "data": data})

    @property
    def log_text(self) -> str:
        """The log as Kaggle gives it: a JSON array with an event a line; "" while there is none."""
        return "[" + "\n,".join(json.dumps(event) for event in self.log) + "\n]" if self.log else ""

    @property
    def outputs(self) -> dict[str, Path]:
        """The files left behind, by path; none before the end."""
        if self.status not in (COMPLETE, ERROR):
            return {}
        return {
            path.relative_to(self.output).as_posix(): path
            for path in sorted(self.output.rglob("*"))
            if path.is_file()
        }


@dataclass
class Kernel:
    """A kernel; `versions` holds what was pushed, `sessions` one run for each, oldest first."""

    id: int
    ref: str
    title: str
    versions: list[dict[str, Any]] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
