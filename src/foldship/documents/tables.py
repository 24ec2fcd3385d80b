"""Documents and passages as files: a line of JSON each, in UTF-8; the same input gives the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from foldship.documents.document import Document, Section
from foldship.documents.passages import Passage
from foldship_kernel.atomic import replacing
from foldship_kernel.errors import DataError


def write(path: Path, rows: Iterable[Document] | Iterable[Passage]) -> int:
    """Write rows in their order, all or nothing; returns how many there were.

    Raises:
        OSError: the folder is missing, read-only or full.
    """
    count = 0
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
        for row in rows:
            stream.write(json.dumps(asdict(row), ensure_ascii=False, separators=(",", ":")) + "\n")
            count += 1
    return count


def read_documents(path: Path) -> Iterator[Document]:
    """Documents, one at a time; raises as `read_passages` does."""
    for row in _rows(path, Document):
        sections = tuple(Section(**section) for section in row.pop("sections"))
        yield Document(**row, sections=sections)


def read_passages(path: Path) -> Iterator[Passage]:
    """Passages, one at a time.

    Raises:
        DataError: a line is not one.
    """
    return (Passage(**row) for row in _rows(path, Passage))


def _rows(path: Path, of: type[Document] | type[Passage]) -> Iterator[dict[str, Any]]:
    expected = set(of.__dataclass_fields__)
    with path.open(encoding="utf-8", newline="\n") as stream:
        for number, line in enumerate(stream, 1):
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if not isinstance(row, dict) or set(row) != expected:
                raise DataError(
                    f"{path}, line {number}: no {of.__name__.lower()}",
                    expected=f"a JSON object with {', '.join(sorted(expected))}",
                    found=line[:80].rstrip(),
                    fix=f"delete {path.name}; it is written again from the cache",
                )
            yield row
