"""A competition's table by its declared name, however it was packed, and how it lies in its bytes.

`test.csv` may be there as itself, as `test.csv.zip` or `.gz`, in `test.zip`, as `test.tsv`, `test.jsonl` or
`test.parquet`, or in the competition's archive. Standard library only: the first submission reads through it.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from foldship_kernel import containers, encodings, magic
from foldship_kernel.errors import DataError, listed

COMPRESSED = (".zip", ".gz", ".bz2", ".xz")
TABLES = (".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".json", ".parquet", ".pq")


@dataclass(frozen=True)
class Source:
    """A table that was found.

    Attributes:
        file: what lies on the disk.
        steps: what it is packed in, outermost first; see `containers.opened`.
        layout: how the table lies in its bytes.
        encoding: of its characters, as Python names it.
    """

    file: Path
    steps: tuple[str, ...]
    layout: magic.Layout
    encoding: str = encodings.UTF8

    def open(self, damaged: containers.Damaged | None = None) -> AbstractContextManager[BinaryIO]:
        """Its bytes, unpacked, from the first to the last; see `containers.opened`."""
        return containers.opened(self.file, self.steps, damaged)

    def __str__(self) -> str:
        """Its path, and the member where it lies in an archive of another name."""
        members = [step for step in self.steps if step not in magic.COMPRESSIONS]
        told = [member for member in members if containers.parts(member)[-1] not in self.file.name]
        return f"{self.file} ({', '.join(told)})" if told else str(self.file)


def source(path: Path, encoding: str = encodings.UTF8) -> Source:
    """The table that is declared to lie at a path.

    Args:
        path: where it is expected: in a folder, or, `archive.zip/test.csv`, in the competition's archive.
        encoding: of its characters, where no byte order mark says another.

    Raises:
        DataError: it is not there in any form, several files may be it, it is damaged, or is no table.
    """
    folder, name = path.parent, path.name
    file = folder if folder.is_file() else find(folder, name)
    if file is None:
        raise missing_error(path)
    steps: list[str] = []
    last = file.name
    while True:
        with containers.opened(file, steps) as stream:
            head = stream.read(magic.HEAD)
        kind = magic.container(head)
        if kind is None:
            break
        if len(steps) == containers.DEEPEST:
            raise DataError(f"{file}: too many archives in one another", fix="unpack it, and name the folder")
        if kind == magic.ZIP:
            step = _member(file, steps, name, whole=key(last) != key(name))
            last = containers.parts(step)[-1]
        else:
            step = kind
            last = _without(last, COMPRESSED)
        steps.append(step)
    if (named := magic.foreign(head)) is not None:
        what, fix = named
        raise DataError(f"{file}: {what}", expected=f"the table {name}", fix=fix)
    with containers.opened(file, steps) as stream:
        line = _first_line(stream)
        alone = line.startswith(b"{") and not _first_line(stream)
    layout = magic.layout(head, last, line, alone=alone)
    return Source(file, tuple(steps), layout, encodings.of(head, encoding))


def there(path: Path) -> bool:
    """Whether a table, or several that may be it, lies where it is declared to."""
    if path.parent.is_file():
        return _holds(path.parent, path.name)
    try:
        return find(path.parent, path.name) is not None
    except DataError:  # several: what reads it says so
        return True


def find(
    folder: Path, name: str, names: Iterable[str] | None = None, *, archives: bool = True
) -> Path | None:
    """The file that is, or holds, a table; None where there is none.

    Args:
        folder: where to look.
        name: of the table, as declared.
        names: files of the folder, where they are known; those that `concerns` suffice.
        archives: whether to look into zip files of other names.

    Raises:
        DataError: several files may be it.
    """
    exact = folder / name
    # Some browsers and archivers unpack test.csv.zip into a folder test.csv.
    for path in (exact, exact / name):
        if is_file(path):
            return path
    here = sorted(_files(folder) if names is None else names)
    packed = [other for other in here if other.lower() in {name.lower() + end for end in ("", *COMPRESSED)}]
    stem = _without(name, TABLES).lower()
    packed += [other for other in here if other.lower() == f"{stem}.zip"]
    for other in packed:
        if is_file(folder / other):
            return folder / other
    spelt = [other for other in here if same_table(other, name) and is_file(folder / other)]
    if len(spelt) > 1:
        raise DataError(
            f"{exact}: several files may be it",
            expected="one",
            found=listed(spelt),
            fix="name the right one in competition.yaml, under files, or leave only that in the folder",
        )
    if spelt:
        return folder / spelt[0]
    holding = [
        folder / other
        for other in here
        if archives and other.lower().endswith(".zip") and _holds(folder / other, name)
    ]
    if len(holding) > 1:
        raise DataError(
            f"{exact}: several archives hold it",
            expected="one",
            found=listed([path.name for path in holding]),
            fix="name the right one instead of the folder",
        )
    return holding[0] if holding else None


def concerns(file: str, names: Iterable[str]) -> bool:
    """Whether a file of that name can be, or hold, one of the tables."""
    return file.lower().endswith(".zip") or any(key(file) == key(name) for name in names)


def same_table(file: str, name: str) -> bool:
    """Whether a file's name is another spelling of a table's: another format, compressed, other capitals."""
    bare = _without(file, COMPRESSED).lower()
    return bare == name.lower() or (key(file) == key(name) and bare.endswith(TABLES))


def key(name: str) -> str:
    """What spellings of a table's name have in common: of `sampleSubmission.csv.zip`, `samplesubmission`."""
    return (
        _without(_without(name, COMPRESSED), TABLES)
        .lower()
        .replace("_", "")
        .replace("-", "")
        .replace(" ", "")
    )


def unpacked(name: str) -> str:
    """A file's name without what it is packed in."""
    return _without(name, COMPRESSED)


def tables_in(file: Path) -> list[str]:
    """Names of the tables in a zip file, without folders and packing; none in any other file."""
    try:
        names = [unpacked(containers.parts(member)[-1]) for member in _listing(file)]
    except (DataError, OSError):
        return []
    return [name for name in names if name.lower().endswith(TABLES)]


def missing_error(path: Path) -> DataError:
    """What to say of a file that is not there."""
    folder = path.parent
    if folder.is_file():
        return DataError(
            f"{folder}: holds no {path.name}",
            expected=f"a file '{path.name}'",
            found=listed(_listing(folder)) or "no file",
            fix="check that this is the right competition's archive",
        )
    if not folder.is_dir():
        found = f"no folder {folder}"
    else:
        names = sorted(entry.name for entry in folder.iterdir())
        found = f"in {folder}: {listed(names)}" if names else f"{folder} is empty"
    return DataError(
        f"{path}: no such file",
        expected=f"a file '{path.name}'",
        found=found,
        fix="name the folder that holds the competition's files, or its archive",
    )


def is_file(path: Path) -> bool:
    """Whether a file is there that we may look at."""
    try:
        return path.is_file()
    except OSError:  # in a folder where we must not look
        return False


@contextmanager
def _archive(file: Path, steps: Iterable[str] = ()) -> Iterator[zipfile.ZipFile]:
    with containers.opened(file, list(steps)) as stream, containers.archive(stream, str(file)) as whole:
        yield whole


def _member(file: Path, steps: list[str], name: str, *, whole: bool) -> str:
    """The member of an archive that is the table; in one of the table's own name the only table there is.

    Args:
        file, steps: the archive.
        name: of the table.
        whole: whether the archive may hold the competition's other files, too.
    """
    with _archive(file, steps) as zipped:
        found = containers.choose(zipped, str(file), name, lambda other: same_table(other, name))
        if found is not None:
            return found
        tables = [
            member
            for member in containers.members(zipped)
            if _without(containers.parts(member)[-1], COMPRESSED).lower().endswith((*TABLES, ".txt"))
        ]
        if not whole and len(tables) == 1:
            only = containers.parts(tables[0])[-1]
            return containers.choose(zipped, str(file), only, lambda other: False) or tables[0]
        raise DataError(
            f"{file}: holds no {name}",
            expected=f"a file '{name}' in it",
            found=listed(containers.members(zipped)) or "no file",
            fix="unpack it, and give the table the declared name",
        )


def _holds(file: Path, name: str) -> bool:
    try:
        return any(
            containers.parts(member)[-1].lower() == name.lower()
            or same_table(containers.parts(member)[-1], name)
            for member in _listing(file)
        )
    except (DataError, OSError):  # not what it is called; others may hold it
        return False


def _listing(file: Path) -> list[str]:
    with _archive(file) as whole:
        return containers.members(whole)


def _files(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries]
    except OSError:  # none, or one that we must not look into
        return []


def _without(name: str, endings: tuple[str, ...]) -> str:
    """A name without the first of the endings that it has."""
    return next((name[: -len(end)] for end in endings if name.lower().endswith(end)), name)


def _first_line(stream: BinaryIO) -> bytes:
    """The first line that is not blank: a header, cut where it is long, or an object in JSON, never cut."""
    while line := stream.readline(magic.HEAD):
        if start := line.strip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"):
            return line if line.endswith(b"\n") or start[:1] != b"{" else line + stream.readline()
    return b""
