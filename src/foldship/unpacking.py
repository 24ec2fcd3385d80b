"""The competition's archive, as Kaggle gives it, unpacked once beside what is generated."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path

from foldship import folders
from foldship_kernel import containers, locate, opening
from foldship_kernel.errors import DataError, FoldshipError

# What is unpacked: tables and texts, not the pictures that may lie beside them.
ENDINGS = (*opening.TABLES, *opening.COMPRESSED, ".txt", ".md", ".xml", ".html")


def folder(data: Path, names: Sequence[str], into: Path, option: str = "DATA") -> Path:
    """The folder with the competition's files.

    Args:
        data: that folder, a folder that holds nothing but the competition's archive, or the archive.
        names: tables by which the files are known, any of which is enough; none where they are not known yet.
        into: where an archive is unpacked to, each to a folder of its own; one that is there is kept.
        option: that `data` was named by.

    Returns:
        `data`, or where its archive was unpacked to.

    Raises:
        DataError: `data` is another file, or its archive is damaged or encrypted.
        FoldshipError: there is no such folder, or no room.
    """
    if not data.exists():
        raise FoldshipError(
            f"{option}: {data} is no folder",
            found="nothing of that name",
            fix="name the folder that holds the competition's files, or its archive",
        )
    archive = data if data.is_file() else _only_archive(data, names)
    if archive is None:
        return data
    if not zipfile.is_zipfile(archive):
        raise DataError(
            f"{option}: {data} is no folder",
            expected="the folder that holds the competition's files, or its archive (.zip)",
            fix=f"name the folder: {archive.resolve().parent}",
        )
    place = into / f"{archive.stem}-{_digest(archive)}"
    if not place.is_dir():
        _unpack(archive, place)
    found = next(iter(locate.holding(place, names[:1])), None) if names else None
    return found or _innermost(place)


def _only_archive(data: Path, names: Sequence[str]) -> Path | None:
    """The archive in a folder where the files themselves are not."""
    zips = sorted(path for path in data.iterdir() if path.suffix.lower() == ".zip" and path.is_file())
    if any(opening.find(data, name, archives=False) for name in names):
        return None
    holding = [path for path in zips if _holds(path, names)]
    return holding[0] if len(holding) == 1 else None


def _holds(archive: Path, names: Sequence[str]) -> bool:
    inside = opening.tables_in(archive)
    if not names:  # several tables: an archive; one: a table that is packed
        return len(inside) > 1
    return any(opening.same_table(table, name) for table in inside for name in names)


def _digest(archive: Path) -> str:
    """Of what the archive says of its members: names, sizes and checksums."""
    with archive.open("rb") as stream, containers.archive(stream, str(archive)) as whole:
        listing = [(entry.filename, entry.file_size, entry.CRC) for entry in whole.infolist()]
    return hashlib.sha256(repr(listing).encode()).hexdigest()[:12]


def _unpack(archive: Path, place: Path) -> None:
    with archive.open("rb") as stream, containers.archive(stream, str(archive)) as whole:
        members = [name for name in containers.members(whole) if name.lower().endswith(ENDINGS)]
        place.parent.mkdir(parents=True, exist_ok=True)
        needed, free = (
            sum(whole.getinfo(name).file_size for name in members),
            shutil.disk_usage(place.parent).free,
        )
        if needed > free:
            raise FoldshipError(
                f"{archive}: no room to unpack it",
                expected=f"{needed / 2**20:,.0f} MiB in {place.parent}",
                found=f"{free / 2**20:,.0f} MiB",
                fix="make room, or unpack it elsewhere and name the folder",
            )
        with folders.replacing(place) as staged:
            for member in members:
                target = staged.joinpath(
                    *(part for part in containers.parts(member) if part not in ("..", "/"))
                )
                target.parent.mkdir(parents=True, exist_ok=True)
                with (
                    containers.clear(str(archive), member),
                    whole.open(member) as packed,
                    target.open("wb") as out,
                ):
                    shutil.copyfileobj(packed, out)


def _innermost(place: Path) -> Path:
    """Down through folders that hold a single folder."""
    while len(inside := list(place.iterdir())) == 1 and inside[0].is_dir():
        place = inside[0]
    return place
