"""Rows to predict, in memory or in a table of text as other people write them, read piece by piece.

Everything is read as text, so that ids are written back exactly as they came.
"""

from __future__ import annotations

import csv
import difflib
import io
import itertools
import re
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TextIO

import pandas as pd

from foldship_kernel import encodings, opening
from foldship_kernel.errors import NEW_FILE, DataError, MissingColumnError, listed
from foldship_kernel.magic import Layout
from foldship_kernel.opening import Source

_INDEX_COLUMN = re.compile(r"(Unnamed: \d+(\.\d+|_level_\d+)?)?")
_MISSING_IDS = {"", "nan"}
CHUNK_ROWS = 4096


class Rows(Protocol):
    """Rows to predict, read piece by piece as often as wanted: they need not fit in memory together.

    Attributes:
        ids: id of each row, in order.
    """

    @property
    def ids(self) -> Sequence[str]: ...

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Yield tables of some rows each, in order; the id column and all columns of the competition."""


@dataclass(frozen=True)
class FrameRows:
    """Rows that are in memory already."""

    frame: pd.DataFrame
    id_column: str

    @property
    def ids(self) -> Sequence[str]:
        return list(self.frame[self.id_column])

    def chunks(self) -> Iterator[pd.DataFrame]:
        for start in range(0, len(self.frame), CHUNK_ROWS):
            yield self.frame.iloc[start : start + CHUNK_ROWS]


@dataclass(frozen=True)
class PreparedRows:
    """Rows that get further columns as they are read."""

    rows: Rows
    prepare: Callable[[pd.DataFrame], pd.DataFrame]

    @property
    def ids(self) -> Sequence[str]:
        return self.rows.ids

    def chunks(self) -> Iterator[pd.DataFrame]:
        for chunk in self.rows.chunks():
            yield self.prepare(chunk)


def rename_id(rows: pd.DataFrame, called: str, wanted: str) -> pd.DataFrame:
    """Rows whose id column gets another name, and takes the place of any column that has it."""
    others = rows if called == wanted else rows.drop(columns=wanted, errors="ignore")
    return others.rename(columns={called: wanted})


class CsvRows:
    """A table of delimited text keyed by an id, checked as a whole and then read in pieces.

    The delimiter is what the header shows. Where quotes in a table with tabs do not pair, they are characters
    like any other, as in most such files. A byte order mark, any line ending, line breaks inside quotes,
    blank lines, a column (or, as R writes it, a header one name short) that holds only row numbers, and extra
    columns are all accepted.

    Args:
        table: with a header; a path as it is declared, see `opening.source`.
        required: columns that must be there, besides the id.
        id_column: column whose values must be present and distinct; None where rows have only their number.

    Attributes:
        ids: id of each row, as it stands in the file, or its number, from 0.
        columns: the id column first, if there is one, then all other named columns in the file's order.

    Raises:
        DataError: the file is missing, empty, in another encoding, not CSV, lacks rows or a column, or an id
            is missing or stands twice.
    """

    def __init__(self, table: Path | Source, *, required: Sequence[str], id_column: str | None) -> None:
        self._source = opening.source(table) if isinstance(table, Path) else table
        self._quoted = True
        try:
            header, ids, lines = _survey(self._source, id_column, required, quoted=True)
        except DataError:
            if self._source.layout.delimiter != "\t":
                raise
            self._quoted = False
            header, ids, lines = _survey(self._source, id_column, required, quoted=False)
        self.ids: Sequence[str] = ids
        named = list(dict.fromkeys(name for name in header if name and name != id_column))
        if id_column is not None:
            checked_ids(self._source, id_column, ids, lambda row: f"row {row + 1} (line {lines[row]})")
            named.insert(0, id_column)
        self.columns = tuple(named)
        self._places = [header.index(name) for name in self.columns]

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Yield tables of at most CHUNK_ROWS rows, index going on; dtype object: str, or None where empty."""
        with opened_text(self._source) as stream:
            records = (record for record, _ in records_of(stream, self._source.layout, self._quoted))
            next(records)
            start = 0
            while part := list(itertools.islice(records, CHUNK_ROWS)):
                columns = {
                    name: pd.Series([record[place] or None for record in part], dtype=object)
                    for name, place in zip(self.columns, self._places, strict=True)
                }
                yield pd.DataFrame(columns).set_index(pd.RangeIndex(start, start + len(part)))
                start += len(part)


def _survey(
    source: Source, id_column: str | None, required: Sequence[str], *, quoted: bool
) -> tuple[list[str], list[str], array[int]]:
    """Read a table once, keeping no more than ids.

    Returns:
        Header names ("" for index columns), ids, and the line each record ends on.
    """
    lines: array[int] = array("Q")
    ids: list[str] = []
    moved: list[str] = []  # ids, should every record turn out to begin with a field that the header lacks
    trailing_commas = True
    with opened_text(source) as stream, _csv_errors(source, lines):
        records = records_of(stream, source.layout, quoted)
        first = next(records, None)
        if first is None:
            raise DataError(f"{source}: the file is empty", expected="a header and rows", fix=NEW_FILE)
        header = [header_name(name) for name in first[0]]
        needed = (*required,) if id_column is None else (id_column, *required)
        for name in needed:
            if header.count(name) != 1:
                raise _column_error(source, name, header, needed=set(needed))
        place = None if id_column is None else header.index(id_column)
        odd_line = odd_width = 0
        for record, line in records:
            lines.append(line)
            if len(record) != len(header):
                odd_line, odd_width = (odd_line, odd_width) if odd_line else (line, len(record))
            ids.append(_id(record, place, len(ids)))
            if len(record) == len(header) + 1:
                moved.append(_id(record, None if place is None else place + 1, len(moved)))
                trailing_commas = trailing_commas and not record[-1]
    if not ids:
        raise DataError(
            f"{source}: no rows, only a header", expected="at least one row below the header", fix=NEW_FILE
        )
    if len(moved) == len(ids):
        return ([*header, ""], ids, lines) if trailing_commas else (["", *header], moved, lines)
    if odd_line:
        raise DataError(
            f"{source}: the row that ends on line {odd_line} has another number of fields than the header",
            expected=f"{len(header)} fields",
            found=f"{odd_width} fields",
            fix="quote fields that hold commas or line breaks; download a file that was cut off again",
        )
    return header, ids, lines


def _id(record: Sequence[str], place: int | None, number: int) -> str:
    """A record's id, or its number; "" where the record is too short."""
    if place is None:
        return str(number)
    return record[place] if place < len(record) else ""


@contextmanager
def opened_text(source: Source) -> Iterator[TextIO]:
    """Open a table of delimited text, its line ends as they are."""
    with source.open() as stream, io.TextIOWrapper(stream, source.encoding, newline="") as text:
        yield text


@contextmanager
def _csv_errors(source: Source, lines: array[int]) -> Iterator[None]:
    try:
        yield
    except UnicodeError as error:
        raise encodings.wrong(str(source), source.encoding, error) from error
    except csv.Error as error:
        raise DataError(
            f"{source}: not a readable CSV file after line {lines[-1] if lines else 0}",
            expected="every opening quote closed, quotes inside a field doubled",
            found=str(error),
            fix=NEW_FILE,
        ) from error


def records_of(stream: Iterable[str], layout: Layout, quoted: bool) -> Iterator[tuple[list[str], int]]:
    """Yield the fields of each record that is not blank, and the line that it ends on."""
    csv.field_size_limit(sys.maxsize)  # the default refuses texts above 131,072 characters
    reader = csv.reader(
        stream,
        strict=True,
        delimiter=layout.delimiter,
        skipinitialspace=layout.spaced,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
    )
    for record in reader:
        if any(field.strip() for field in record):
            yield record, reader.line_num


def header_name(name: str) -> str:
    """A column's name without white space around it; "" where it only numbers rows."""
    name = name.strip("\ufeff \t")
    return "" if _INDEX_COLUMN.fullmatch(name) else name


def checked_ids(path: Path | Source, name: str, ids: list[str], place: Callable[[int], str]) -> list[str]:
    """The ids, none of them missing or there twice.

    Args:
        path: the file they come from.
        name: of their column.
        ids: of all rows.
        place: says where in the file a row is.

    Raises:
        DataError: one is missing, or stands twice.
    """
    seen: dict[str, int] = {}
    for row, value in enumerate(ids):
        if value.strip().lower() in _MISSING_IDS:
            raise DataError(
                f"{path}: column '{name}' has no id in {place(row)}",
                expected="an id in every row",
                found=repr(value) if value else "nothing",
                fix=NEW_FILE,
            )
        if value in seen:
            raise DataError(
                f"{path}: column '{name}' holds the id {value} twice",
                expected="every id once",
                found=f"{place(seen[value])} and {place(row)}",
                fix="remove one of the two rows",
            )
        seen[value] = row
    return ids


def _column_error(path: Path | Source, name: str, header: Sequence[str], needed: set[str]) -> DataError:
    if name in header:
        times = header.count(name)
        return MissingColumnError(f"{path}: column '{name}' stands {times} times", fix="keep one of them")
    named = [column for column in header if column]
    close = difflib.get_close_matches(name, [column for column in named if column not in needed], n=3)
    return MissingColumnError(
        f"{path}: no column '{name}'",
        expected=f"a column '{name}' in the header",
        found=f"similar: {listed(close)}" if close else f"columns {listed(named)}",
        fix=f"if that is the same, rename it to '{name}'"
        if close
        else "check that this is the right competition's file",
    )
