"""Passages: some sentences of a document, which retrieval finds and a reader reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from foldship.config.documents import Cutting
from foldship.documents.document import Document
from foldship.documents.sentences import split

TITLE = "title"  # section of a title's passage


@dataclass(frozen=True)
class Passage:
    """Some sentences in a row.

    Attributes:
        id: `<document>#<place>`.
        document: id of its document.
        place: number of the passage within the document, from 0.
        section: name of the section that it begins in; `title` for a title.
        text: the sentences, with spaces between them.
    """

    id: str
    document: str
    place: int
    section: str
    text: str


def cut(document: Document, cutting: Cutting) -> list[Passage]:
    """A document's passages: every sentence is in at least one, in the order of the text."""
    pieces = [piece for run in _runs(document, cutting) for piece in _windows(run, cutting)]
    return [
        Passage(f"{document.id}#{place}", document.id, place, section, text)
        for place, (section, text) in enumerate(pieces)
    ]


def _runs(document: Document, cutting: Cutting) -> Iterator[list[tuple[str, str]]]:
    """Sentences, each with its section, that a passage may span."""
    if cutting.titles and document.title:
        # Whole, whatever stops it has in it.
        yield [(TITLE, document.title)]
    sections = [
        [(section.name, sentence) for sentence in split(section.text)] for section in document.sections
    ]
    yield from [list(chain(*sections))] if cutting.across_sections else sections


def _windows(run: list[tuple[str, str]], cutting: Cutting) -> Iterator[tuple[str, str]]:
    step = cutting.sentences - cutting.overlap
    # The last one reaches the end: none holds only what the one before holds, too.
    for start in range(0, max(len(run) - cutting.overlap, min(len(run), 1)), step):
        window = run[start : start + cutting.sentences]
        yield window[0][0], " ".join(sentence for _, sentence in window)
