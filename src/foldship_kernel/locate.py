"""Find the competition's own files, wherever they are mounted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from foldship_kernel import opening
from foldship_kernel.errors import DataError

# /kaggle/input/competitions/<slug> with one folder of nesting is depth 3; a little more does no harm.
DEPTH = 6
# The mount point that competitions have had since 2026.
PREFERRED = "competitions"
LISTED = 20

T = TypeVar("T")


def folders(root: Path, depth: int = DEPTH) -> Iterator[Path]:
    """Yield `root` and the folders below it, shallow ones first, equally deep ones by name."""
    return (folder for folder, _ in _walk(root, depth, lambda name: False))


def holding(root: Path, names: Sequence[str]) -> Iterator[Path]:
    """Yield folders below `root` that hold all tables `names`, however they are packed or spelt.

    Those of a competition mount come first. Zip files of other names, say the competition's archive, are
    looked into only after all these.
    """
    concerned = list(_walk(root, DEPTH, lambda name: opening.concerns(name, names)))
    concerned.sort(key=lambda entry: PREFERRED not in entry[0].relative_to(root).parts)
    seen = set()
    for archives in (False, True):
        for folder, files in concerned:
            if folder not in seen and all(_there(folder, name, files, archives) for name in names):
                seen.add(folder)
                yield folder


def read_first(root: Path, names: Sequence[str], read: Callable[[Path], T]) -> tuple[Path, T]:
    """Read the competition's folder: the first one with all files `names` that `read` accepts.

    Several folders may hold a test.csv, say when other data sets are attached too.

    Returns:
        The folder and what `read` made of it.

    Raises:
        DataError: no folder holds the files, or none of them can be read (then the first one's error).
    """
    first: DataError | None = None
    for folder in holding(root, names):
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


def _walk(root: Path, depth: int, keep: Callable[[str], bool]) -> Iterator[tuple[Path, list[str]]]:
    """Folders as `folders` yields them, each with the names of those of its files that are to be kept."""
    level = [root]
    for _ in range(depth + 1):
        below = []
        for folder in level:
            children, files = _scan(folder, keep)
            below += children
            yield folder, files
        level = sorted(below)


def _scan(folder: Path, keep: Callable[[str], bool]) -> tuple[list[Path], list[str]]:
    """Folders in `folder`, and names to be kept of all else.

    Folders of a million pictures may be attached: no file is asked about.
    """
    children, files = [], []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if _is_folder(entry):
                    children.append(Path(entry.path))
                elif keep(entry.name):
                    files.append(entry.name)
    except OSError:  # unreadable or gone: nothing of ours lies in it
        pass
    return children, files


def _there(folder: Path, name: str, files: Sequence[str], archives: bool) -> bool:
    """Whether the folder holds the table."""
    try:
        return opening.find(folder, name, files, archives=archives) is not None
    except DataError:  # several files may be it: what reads it says so
        return True


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to where we must not look
        return False
