"""The competitions as the project declares them."""

from __future__ import annotations

from pathlib import Path

from foldship import competitions
from foldship_kernel.tasks import Task

KERNELS = Path(__file__).resolve().parents[2] / "kernels"
QUEST = competitions.get(KERNELS, "quest")
quest = QUEST.task


def task_of(kind: str, *targets: str) -> Task:
    """A small competition with one text."""
    return Task("some", "id", {"text": "{text}"}, targets, kind, {name: name for name in targets})
