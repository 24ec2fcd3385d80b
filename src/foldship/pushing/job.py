"""What every step of a push works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from foldship.kaggle_client.connection import Connection
from foldship.pushing.parts import Part
from foldship.pushing.record import Record
from foldship.pushing.waiting import Waiting
from foldship_kernel.tasks import Task


class Progress(Protocol):
    """Shows people how far a long step is."""

    def say(self, text: str) -> None:
        """One line that stays."""

    def waiting(self, text: str) -> None:
        """One line that the next one replaces."""


@dataclass(frozen=True)
class Job:
    """One push.

    Attributes:
        connection: to Kaggle.
        kernel: folder with `kernel-metadata.json` and `main.py`.
        metadata: content of `kernel-metadata.json`.
        parts: the datasets to upload, in order.
        rehearsal: folder with the rehearsal's `submission.csv` and `verdict.json`.
        out: folder for everything that a push leaves.
        record: what was done so far.
        waiting: how to wait.
        progress: shows how far it is.
        hashes: whether uploaded files are fetched back and hashed; else names and sizes are compared.
        task: the competition.
    """

    connection: Connection
    kernel: Path
    metadata: Mapping[str, Any]
    parts: tuple[Part, ...]
    rehearsal: Path
    out: Path
    record: Record
    waiting: Waiting
    progress: Progress
    hashes: bool
    task: Task

    @property
    def ref(self) -> str:
        """The kernel's owner/slug: what Kaggle called it when it was pushed, before that what we call it."""
        return str(self.record.get("kernel").get("ref") or self.metadata["id"])

    @property
    def code(self) -> str:
        """The kernel's script."""
        return (self.kernel / str(self.metadata["code_file"])).read_text(encoding="utf-8")
