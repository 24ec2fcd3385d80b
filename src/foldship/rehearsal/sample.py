"""The competition's own sample submission, cell by cell as it is written.

What a submission is judged by is read here by other code than the kernel's, which mends what it can: what
both read alike is likely what the competition means.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from foldship_kernel import magic, opening, parquet
from foldship_kernel.errors import DataError


@dataclass(frozen=True)
class Sample:
    """A sample submission.

    Attributes:
        header: its columns, without blanks around them.
        rows: its cells, row by row; a row may be of any width.
        problem: why it could not be read, or is no table; "" where all is well.
    """

    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    problem: str = ""

    def column(self, name: str) -> list[str]:
        """The cells of a column, in the file's order; none where there is no such column."""
        if name not in self.header:
            return []
        place = self.header.index(name)
        return [row[place] if place < len(row) else "" for row in self.rows]


def read(path: Path, encoding: str) -> Sample:
    """Read a sample submission, whatever is wrong with it.

    Args:
        path: where it is declared to lie.
        encoding: of its characters, where no byte order mark says another.
    """
    try:
        source = opening.source(path, encoding)
        if source.layout.kind != magic.DELIMITED:
            return _of_objects(source)
        with source.open() as stream:
            text = stream.read().decode(source.encoding).removeprefix("\ufeff")
        csv.field_size_limit(sys.maxsize)
        lines = csv.reader(
            io.StringIO(text, newline=""),
            delimiter=source.layout.delimiter,
            skipinitialspace=source.layout.spaced,
        )
        header, *rows = [tuple(line) for line in lines if any(line)] or [()]
    except (DataError, OSError, ValueError, AttributeError, TypeError, csv.Error) as error:
        return Sample(problem=str(error).splitlines()[0])
    names = tuple(name.strip() for name in header)
    return Sample(names, tuple(rows), _problem(names, rows))


def _problem(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        return f"column '{twice[0]}' is there {header.count(twice[0])} times"
    wide = next((number for number, row in enumerate(rows, start=1) if len(row) != len(header)), None)
    if wide is not None:
        return f"row {wide} has {len(rows[wide - 1])} cells, the header {len(header)}"
    return "" if rows else "it has no rows"


def _of_objects(source: opening.Source) -> Sample:
    """A sample in JSON or Parquet, with the texts that a table would show."""
    if source.layout.kind == magic.PARQUET:
        found = list(parquet.objects(source))
    else:
        with source.open() as stream:
            text = stream.read().decode(source.encoding).removeprefix("\ufeff")
        lines = source.layout.kind == magic.JSON_LINES
        found = [json.loads(line) for line in text.splitlines() if line] if lines else json.loads(text)
    header = tuple(dict.fromkeys(str(name) for one in found for name in one))
    rows = [tuple("" if one.get(name) is None else str(one[name]) for name in header) for one in found]
    return Sample(header, tuple(rows), _problem(header, rows))
