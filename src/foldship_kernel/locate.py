"""Find the competition's own files, wherever they are mounted."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from foldship_kernel import opening
from foldship_kernel.errors import DataError

if TYPE_CHECKING:  # the supervisor, which locates the template, has the standard library only
    from foldship_kernel.rows import Rows
    from foldship_kernel.tasks.base import Template
    from foldship_kernel.tasks.task import Task

# /kaggle/input/competitions/<slug> with one folder of nesting is depth 3; a little more does no harm.
DEPTH = 6
# The mount point that competitions have had since 2026.
PREFERRED = "competitions"
LISTED = 20

T = TypeVar("T")


def folders(root: Path, depth: int = DEPTH) -> Iterator[Path]:
    """Yield `root` and the folders below it, shallow ones first, equally deep ones by name."""
    return (folder for folder, _ in _walk(root, depth, lambda name: False))


def holding(
    root: Path, names: Sequence[str], which: Callable[[Iterable[bool]], bool] = all
) -> Iterator[Path]:
    """Yield folders below `root` that hold the tables `names`, however they are packed or spelt.

    Those of a competition mount come first. Zip files of other names, say the competition's archive, are
    looked into only after all these.

    Args:
        root: folder to search.
        names: of the tables.
        which: `all` for folders that hold all of them, `any` for those that hold one or more.
    """
    concerned = list(_walk(root, DEPTH, lambda name: opening.concerns(name, names)))
    concerned.sort(key=lambda entry: PREFERRED not in entry[0].relative_to(root).parts)
    seen = set()
    for archives in (False, True):
        for folder, files in concerned:
            if folder not in seen and which(_there(folder, name, files, archives) for name in names):
                seen.add(folder)
                yield folder


def read_test(root: Path, task: Task, needed: Collection[str]) -> tuple[Path, tuple[Rows, Template]]:
    """Read the competition's folder as ashore, or where that is refused as well as can be.

    Of several folders with odd files the one that has most of the competition's columns is taken.

    Args:
        root: folder to search.
        task: the competition.
        needed: columns that the shipped models read.

    Returns:
        The folder, and what `Task.read_test` gives.

    Raises:
        DataError: no folder holds any of the competition's files, or none of them can be read at all.
    """
    try:
        return read_first(root, task.files, task.read_test)
    except DataError as error:
        refused = error
    for folder in sorted(holding(root, task.files, any), key=task.fit, reverse=True):
        with suppress(DataError, OSError):
            return folder, task.read_test(folder, strict=False, needed=needed)
    raise refused


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
