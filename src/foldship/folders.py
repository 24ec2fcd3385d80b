"""Folders that are replaced as a whole: what is at a place is always one result, the earlier or the new."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path


def replace(new: Mapping[Path, Path]) -> None:
    """Put new folders at their places, all of them or none.

    Args:
        new: by place, the folder that goes there; it is on the same file system. What is left at its old path
            afterwards is the caller's to clear away.

    Raises:
        OSError: a folder cannot be moved; all places are as they were before.
    """
    for place in new:
        shutil.rmtree(_aside(place), ignore_errors=True)
    with ExitStack() as undo:
        for place in new:
            if place.exists():
                place.rename(_aside(place))
                undo.callback(_aside(place).rename, place)
        for place, folder in new.items():
            folder.rename(place)
            undo.callback(place.rename, folder)
        undo.pop_all()
    for place, folder in new.items():
        with suppress(OSError):  # there was none; or it stays, and the next call clears it away
            # Under its own name, half deleted, it could be taken for the earlier result.
            _aside(place).rename(folder)
            shutil.rmtree(folder)


def restore(*places: Path) -> None:
    """Put the earlier folders back after a `replace` that was killed before it was done.

    Args:
        places: all that are replaced together.
    """
    if all(place.exists() for place in places):
        return
    for place in places:
        if _aside(place).exists():
            shutil.rmtree(place, ignore_errors=True)
            _aside(place).rename(place)


def _aside(place: Path) -> Path:
    return place.with_name(f".{place.name}.old")
