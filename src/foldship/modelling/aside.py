"""Models that make room for another of their name, and come back when they are wanted again."""

from __future__ import annotations

import shutil
from pathlib import Path

from foldship.modelling import store
from foldship.modelling.store import CARD


def make_room(folder: Path, fingerprint: str) -> None:
    """Set aside a model of this name that was trained on something else; bring an earlier one back."""
    if (folder / CARD).is_file():
        old = store.fingerprint(folder)
        aside = place(folder, old) if old else folder.with_name(f"{folder.name}@unreadable")
        shutil.rmtree(aside, ignore_errors=True)
        folder.rename(aside)
        print(f"{folder.name}: trained on other data or settings before; that one is now {aside}", flush=True)
    earlier = place(folder, fingerprint)
    if earlier.is_dir():
        earlier.rename(folder)
        print(f"{folder.name}: {earlier.name} was trained on just this; brought back", flush=True)


def place(folder: Path, fingerprint: str) -> Path:
    """Where a model waits that was set aside."""
    return folder.with_name(f"{folder.name}@{fingerprint[:8]}")
