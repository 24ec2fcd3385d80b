"""The competition that is measured, as the project declares it."""

from __future__ import annotations

from pathlib import Path

from foldship import competitions

QUEST = competitions.get(Path(__file__).resolve().parents[1] / "kernels", "quest")
quest = QUEST.task
