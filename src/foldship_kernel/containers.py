"""Bytes through compression and archives, as a stream. Standard library only."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from foldship_kernel import magic
from foldship_kernel.errors import NEW_FILE, DataError, listed

DEEPEST = 4  # containers in one another
_IN_MEMORY = 1 << 26  # bytes of an archive within an archive; a larger one goes to the disk
_UNPACK = "unpack it, and name the folder"
_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, gzip.BadGzipFile)

Damaged = Callable[[str], None]  # told why a stream ends early


@contextmanager
def opened(file: Path, steps: Sequence[str], damaged: Damaged | None = None) -> Iterator[BinaryIO]:
    """Open what lies in a file behind some containers.

    Args:
        file: on the disk.
        steps: the containers, outermost first: a kind of compression, or the name of a member of a zip file.
        damaged: where given, a damaged stream ends where its damage begins, and this is told why; else it is
            an error.

    Raises:
        DataError: it is damaged, encrypted, or compressed in a way that is not known here.
    """
    with ExitStack() as stack:
        stream: BinaryIO = stack.enter_context(file.open("rb"))
        for step in steps:
            stream = stack.enter_context(_through(stream, step, str(file)))
        if steps:
            checked = _Checked(stream, str(file), damaged)
            stream = stack.enter_context(io.BufferedReader(checked, magic.HEAD))
        yield stream


@contextmanager
def _through(stream: BinaryIO, step: str, file: str) -> Iterator[BinaryIO]:
    if step == magic.GZIP:
        with gzip.GzipFile(fileobj=stream) as inner:
            yield cast(BinaryIO, inner)
    elif step == magic.BZIP2:
        with bz2.BZ2File(stream) as unzipped:
            yield cast(BinaryIO, unzipped)
    elif step == magic.XZ:
        with lzma.LZMAFile(stream) as unpacked:
            yield cast(BinaryIO, unpacked)
    else:
        with archive(stream, file) as whole:
            with clear(file, step):
                member = whole.open(step)
            with member:
                yield cast(BinaryIO, member)


@contextmanager
def archive(stream: BinaryIO, file: str) -> Iterator[zipfile.ZipFile]:
    """A zip file read from a stream, which need not be a file on the disk.

    Args:
        stream: its bytes.
        file: what it is called in errors.

    Raises:
        DataError: it is damaged.
    """
    with ExitStack() as stack:
        if not (isinstance(stream, io.BufferedReader) and stream.seekable()):  # going back would be slow
            copy = stack.enter_context(tempfile.SpooledTemporaryFile(_IN_MEMORY))
            with clear(file):
                shutil.copyfileobj(stream, copy)
            stream = cast(BinaryIO, copy)
        with clear(file):
            whole = zipfile.ZipFile(stream)
        yield stack.enter_context(whole)


def members(whole: zipfile.ZipFile) -> list[str]:
    """Files in a zip file, without those that a file manager put there."""
    return [
        entry.filename
        for entry in whole.infolist()
        if not entry.is_dir()
        and not any(part.startswith(".") or part == "__MACOSX" for part in parts(entry.filename))
    ]


def parts(member: str) -> tuple[str, ...]:
    """Folders and name of a member, as Windows writes them, too."""
    return PurePosixPath(member.replace("\\", "/")).parts


def choose(whole: zipfile.ZipFile, file: str, name: str, same: Callable[[str], bool]) -> str | None:
    """The member of a zip file that is the table wanted; None where none is.

    Args:
        whole: the zip file.
        file: what it is called in errors.
        name: of the table, as declared.
        same: whether a file's name is another spelling of it.

    Raises:
        DataError: several members may be it, it is encrypted, or the zip file is no archive of tables.
    """
    names = members(whole)
    for member, kind in magic.OFFICE.items():
        if member in names:
            raise DataError(
                f"{file}: {kind}",
                expected="a table as text, or as Parquet",
                fix="save the table as CSV in UTF-8, under the declared name",
            )
    for fits in (lambda other: other == name, lambda other: other.lower() == name.lower(), same):
        found = [member for member in names if fits(parts(member)[-1])]
        if found:
            break
    else:
        return None
    depth = min(len(parts(member)) for member in found)
    highest = [member for member in found if len(parts(member)) == depth]
    if len(highest) > 1:
        raise DataError(
            f"{file}: several files in it may be {name}",
            expected="one",
            found=listed(highest),
            fix=f"{_UNPACK} that holds the right one",
        )
    if whole.getinfo(highest[0]).flag_bits & 0x1:
        raise DataError(
            f"{file}: {highest[0]} is encrypted", expected="an archive without a password", fix=_UNPACK
        )
    return highest[0]


@contextmanager
def clear(file: str, member: str = "") -> Iterator[None]:
    """Errors of opening as those that a person can mend."""
    try:
        yield
    except _DAMAGE as error:
        raise _damage(file, error) from error
    except (NotImplementedError, RuntimeError) as error:  # how zipfile says: no such method, a password
        raise DataError(
            f"{file}: {member or 'it'} cannot be unpacked here", found=str(error), fix=_UNPACK
        ) from error


def _damage(file: str, error: Exception) -> DataError:
    return DataError(
        f"{file}: the file is damaged, or was cut off",
        expected="a file that unpacks to its end",
        found=str(error) or type(error).__name__,
        fix=NEW_FILE,
    )


class _Checked(io.RawIOBase):
    """A stream whose damage is an error that a person can mend, or an early end."""

    def __init__(self, stream: BinaryIO, file: str, damaged: Damaged | None) -> None:
        self._stream, self._file, self._damaged = stream, file, damaged

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            piece = self._stream.read(len(buffer))
        except _DAMAGE as error:
            if self._damaged is None:
                raise _damage(self._file, error) from error
            self._damaged(str(error) or type(error).__name__)
            return 0
        buffer[: len(piece)] = piece
        return len(piece)
