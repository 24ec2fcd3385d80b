"""A bundle, its rehearsal and a stand-in site: everything for a push that waits for nothing."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tiny_bundle
from declared import quest
from kaggle_site import Site

from foldship.kaggle_client.connection import Connection
from foldship.kaggle_client.retry import Patience
from foldship.pushing.push import push
from foldship.pushing.record import Record
from foldship.pushing.waiting import Waiting

KERNEL, DATASET = "someone/tiny-kernel", "someone/tiny-bundle"
COMPETITION = "google-quest-challenge"
ROWS = 40


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class Lines:
    """What people were told."""

    said: list[str] = field(default_factory=list)
    awaited: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Keep a line."""
        self.said.append(text)

    def waiting(self, text: str) -> None:
        """Keep what was waited for."""
        self.awaited.append(text)

    @property
    def text(self) -> str:
        """All lines that stay."""
        return "\n".join(self.said)


@dataclass
class Stage:
    """One push, as often as wanted."""

    bundle: tiny_bundle.TinyBundle
    rehearsal: Path
    out: Path
    lines: Lines = field(default_factory=Lines)
    clock: Clock = field(default_factory=Clock)

    def push(self, *, submitting: bool = False, hashes: bool = True) -> Record:
        """Push, without waiting for real."""
        return push(
            self.bundle.kernel,
            self.bundle.datasets,
            self.rehearsal,
            self.out,
            task=quest,
            connection=Connection(self.lines.say, Patience(sleep=self.clock.sleep)),
            progress=self.lines,
            waiting=Waiting(clock=self.clock, sleep=self.clock.sleep),
            hashes=hashes,
            submitting=submitting,
        )


def submission(rows: int = ROWS, *, seed: int = 0, nudge: float = 0.0) -> str:
    """A submission of random predictions, all moved by `nudge`."""
    values = np.random.default_rng(seed).uniform(0.1, 0.9, (rows, len(quest.targets))) + nudge
    frame = pd.DataFrame(values, columns=list(quest.targets))
    frame.insert(0, quest.id, [f"q{number}" for number in range(rows)])
    return frame.to_csv(index=False)


def output(text: str, **facts: object) -> Mapping[str, str]:
    """What a kernel leaves: a submission, and its account of itself."""
    account = {"status": "complete", "folds_used": ["tiny fold 0"], "seconds": 3.0, **facts}
    return {"submission.csv": text, "foldship.json": json.dumps(account)}


def lead_to(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lead this process's Kaggle client to the site, and nowhere else."""
    for name, value in site.environment.items():
        monkeypatch.setenv(name, value)
    for name in ("KAGGLE_API_TOKEN", "KAGGLE_KERNEL_RUN_TYPE"):
        monkeypatch.delenv(name, raising=False)
    # Remembered from the first time that anybody asked.
    monkeypatch.setattr(tempfile, "tempdir", site.environment["TMPDIR"])
