"""Datasets and their versions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

READY, FAILED = "READY", "FAILED"
STAGES = (
    "NOT_YET_PERSISTED",
    "BLOBS_RECEIVED",
    "BLOBS_DECOMPRESSED",
    "BLOBS_COPIED_TO_SDS",
    "INDIVIDUAL_BLOBS_COMPRESSED",
)


@dataclass
class Version:
    """One version of a dataset.

    Attributes:
        number: from 1.
        files: by their path in the dataset, archives unpacked.
        notes: of its author.
        polls: how often its status must be asked before it is ready; None for ever.
        fate: what it becomes then.
        created: when it was made.
    """

    number: int
    files: dict[str, Path]
    notes: str
    polls: int | None
    fate: str = READY
    created: datetime = field(default_factory=lambda: datetime.now(UTC).replace(tzinfo=None))
    asked: int = 0

    @property
    def status(self) -> str:
        """Where it is on its way to `fate`."""
        if self.polls is None or self.asked < self.polls:
            return STAGES[min(self.asked, len(STAGES) - 1)]
        return self.fate

    def poll(self) -> str:
        """Ask for the status, which brings it forward."""
        status = self.status
        self.asked += 1
        return status


@dataclass
class Dataset:
    """A dataset and its versions, oldest first."""

    id: int
    ref: str
    title: str
    private: bool
    licence: str
    versions: list[Version] = field(default_factory=list)

    @property
    def current(self) -> Version | None:
        """The newest version that is ready."""
        return next((version for version in reversed(self.versions) if version.status == READY), None)
