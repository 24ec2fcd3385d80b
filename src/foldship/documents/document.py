"""A document as it is read, whatever it came as."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

ABSTRACT = "abstract"  # name of a section that has none


@dataclass(frozen=True)
class Section:
    """A part of a document: its heading, and its text with blank lines between paragraphs."""

    name: str
    text: str


@dataclass(frozen=True)
class Document:
    """What a document says.

    Attributes:
        id: its key, see `addresses.key_of`.
        url: as it was asked for.
        title: may be empty.
        sections: in their order; none where only the title is known. None is empty.
    """

    id: str
    url: str
    title: str
    sections: tuple[Section, ...]


def plain(pieces: Iterable[str]) -> str:
    """Text on one line, with single spaces."""
    return " ".join("".join(pieces).split())
