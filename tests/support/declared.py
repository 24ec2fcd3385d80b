"""The competitions as the project declares them."""

from __future__ import annotations

from pathlib import Path

from foldship import competitions

KERNELS = Path(__file__).resolve().parents[2] / "kernels"
QUEST = competitions.get(KERNELS, "quest")
quest = QUEST.task
