"""Find the competition's own files, wherever they are mounted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from foldship_kernel.errors import DataError

# /kaggle/input/competitions/<slug> with one folder of nesting is depth 3; a little more does no harm.
DEPTH = 6
# The mount point that competitions have had since 2026.
PREFERRED = "competitions"
LISTED = 20

T = TypeVar("T")


def folders(root: Path, depth: int = DEPTH) -> Iterator[Path]:
    """Yield `root` and the folders below it, shallow ones first, equally deep ones by name."""
    level = [root]
    for _ in range(depth + 1):
        yield from level
        level = sorted(child for folder in level for child in _children(folder))


def holding(root: Path, names: Sequence[str]) -> list[Path]:
    """Folders below `root` that hold all files `names`, those of a competition mount first."""
    found = [folder for folder in folders(root) if all(_is_file(folder / name) for name in names)]
    return sorted(found, key=lambda folder: PREFERRED not in folder.relative_to(root).parts)


def read_first(root: Path, names: Sequence[str], read: Callable[[Path], T]) -> tuple[Path, T]:
    """Read the competition's folder: the first one with all files `names` that `read` accepts.

    Several folders may hold a test.csv, say when other data sets are attached too.

    Returns:
        The folder and what `read` made of it.

    Raises:
        DataError: no folder holds the files, or none of them can be read (then the first one's error).
    """
    candidates = holding(root, names)
    first: DataError | None = None
    for folder in candidates:
        try:
            return folder, read(folder)
        except DataError as error:
            first = first or error
        except OSError as error:
            first = first or DataError(
                f"{folder}: the competition's files cannot be read",
                found=str(error),
                fix="attach the competition to the kernel again",
            )
    if first is not None:
        raise first
    seen = [str(folder.relative_to(root)) for folder in folders(root, 3) if folder != root]
    raise DataError(
        f"{root}: the competition's files are not there",
        expected=f"a folder with {' and '.join(names)}",
        found=", ".join(seen[:LISTED]) + (" ..." if len(seen) > LISTED else "") or "no folder at all",
        fix="attach the competition to the kernel (competition_sources in kernel-metadata.json)",
    )


def _children(folder: Path) -> list[Path]:
    """Folders in `folder`. Folders of a million pictures may be attached: no file is asked about."""
    try:
        with os.scandir(folder) as entries:
            return [Path(entry.path) for entry in entries if _is_folder(entry)]
    except OSError:  # unreadable or gone: nothing of ours lies in it
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to where we must not look
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # in a folder where we must not look
        return False
