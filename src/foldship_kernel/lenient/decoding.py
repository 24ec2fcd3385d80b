"""Text out of bytes that are not all in one encoding, or end too early."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from foldship_kernel import encodings, magic
from foldship_kernel.mended import Mending
from foldship_kernel.opening import Source

_BLOCK = 1 << 20  # bytes

Opened = AbstractContextManager[Iterator[str]]


@contextmanager
def opened(source: Source, encoding: str, notes: Mending) -> Iterator[Iterator[str]]:
    """The lines of a file, line ends as they are; what cannot be decoded is replaced, NUL is left out.

    Args:
        source: the file; what it is packed in may be damaged, too.
        encoding: of its characters.
        notes: told of NUL, and of a file that ends too early.
    """

    def early(reason: str) -> None:
        notes.note("the archive is damaged, and was read up to there", reason)

    with (
        source.open(early) as stream,
        io.TextIOWrapper(stream, encoding, errors="replace", newline="") as text,
    ):
        yield _without_nul(text, notes)


def _without_nul(lines: Iterator[str], notes: Mending) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if "\0" in line:
            notes.note("zero bytes, left out", f"line {number}", line.count("\0"))
            line = line.replace("\0", "")
        yield line


def encoding_of(source: Source, notes: Mending) -> str:
    """The encoding that a file is in, as far as can be seen."""
    with source.open(lambda reason: None) as stream:
        encoding = encodings.guess(stream.read(magic.HEAD), source.encoding)
    if encoding != source.encoding:
        notes.note("zero bytes in every other place, read as UTF-16", encoding)
    return encoding


def decodable(source: Source, encoding: str) -> bool:
    """Whether all bytes of a file are in its encoding."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        with source.open(lambda reason: None) as stream:
            while block := stream.read(_BLOCK):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True
