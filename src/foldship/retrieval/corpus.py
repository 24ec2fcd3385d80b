"""What there is to be found: the passages that the competition's own rows bring, and fetched documents'."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from foldship.config.competition import Retrieval
from foldship.documents import tables
from foldship.documents.addresses import key_of
from foldship.documents.collect import PASSAGES
from foldship_kernel.errors import DataError
from foldship_kernel.records import SEPARATOR
from foldship_kernel.text import normalise

Passage = tuple[str, str]  # document and text


def of_rows(rows: pd.DataFrame, spec: Retrieval) -> list[Passage]:
    """The passages in the rows' own columns, each once.

    Args:
        rows: with the columns `spec.snippets` and `spec.sources`; the id first.
        spec: which columns.

    Raises:
        DataError: a row has other documents than passages.
    """
    found: list[Passage] = []
    for key, cell, named in zip(rows.iloc[:, 0], rows[spec.snippets], rows[spec.sources], strict=True):
        if not isinstance(cell, str):
            continue
        texts = cell.split(SEPARATOR)
        documents = named.split(SEPARATOR) if isinstance(named, str) else []
        if len(texts) != len(documents):
            raise DataError(
                f"retrieval: row {key} has other documents in '{spec.sources}' than passages in "
                f"'{spec.snippets}'",
                expected=f"{len(texts)}, one for each",
                found=str(len(documents)),
                fix="correct retrieval and records in competition.yaml, or the row",
            )
        found += zip(documents, map(normalise, texts), strict=True)
    return found


def of_documents(folder: Path, named: Iterable[str]) -> list[Passage]:
    """The passages of fetched documents, as far as rows name them; none where nothing was fetched.

    Args:
        folder: what `documents.collect` filled.
        named: addresses of documents; each passage gets that of its document.

    Raises:
        DataError: a file there is damaged.
    """
    if not (folder / PASSAGES).is_file():
        return []
    address = {key_of(url): url for url in reversed(list(named))}
    found = ((address.get(one.document), one.text) for one in tables.read_passages(folder / PASSAGES))
    return [(url, normalise(text)) for url, text in found if url is not None]


def together(passages: Iterable[Passage]) -> list[Passage]:
    """Passages as an index holds them: each once, by document, in the order they came in.

    A document's passages lie side by side; documents are sorted, so that the order of the rows, and what was
    fetched first, make no difference.
    """
    by_document: dict[str, dict[str, None]] = {}
    for document, text in passages:
        if text:
            by_document.setdefault(document, {})[text] = None
    return [(document, text) for document in sorted(by_document) for text in by_document[document]]


def read_documents(rows: pd.DataFrame, column: str) -> list[str]:
    """The documents that rows name, each once, in order."""
    cells: Sequence[object] = list(rows[column])
    named = (name for cell in cells if isinstance(cell, str) for name in cell.split(SEPARATOR))
    return list(dict.fromkeys(name for name in named if name))
