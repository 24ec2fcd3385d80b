"""Rows to predict, in memory or in a CSV file as other people write them, read piece by piece.

Everything is read as text, so that ids are written back exactly as they came.
"""

from __future__ import annotations

import csv
import difflib
import itertools
import re
import sys
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TextIO

import pandas as pd

from foldship_kernel.errors import NEW_FILE, DataError, MissingColumnError, listed

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


class CsvRows:
    """A CSV table keyed by an id, checked as a whole and then read in pieces.

    A byte order mark, any line ending, line breaks inside quotes, blank lines, a column (or, as R writes it,
    a header one name short) that holds only row numbers, and extra columns are all accepted.

    Args:
        path: CSV file in UTF-8 with a header.
        required: columns that must be there, besides the id.
        id_column: column whose values must be present and distinct.

    Attributes:
        ids: id of each row, as it stands in the file.
        columns: the id column first, then all other named columns in the file's order.

    Raises:
        DataError: the file is missing, empty, not UTF-8, not CSV, lacks rows or a column, or an id is missing
            or stands twice.
    """

    def __init__(self, path: Path, *, required: Sequence[str], id_column: str) -> None:
        self._path = path
        header, ids, lines = _survey(path, id_column, required)
        self.ids: Sequence[str] = checked_ids(
            path, id_column, ids, lambda row: f"row {row + 1} (line {lines[row]})"
        )
        self.columns = (id_column, *dict.fromkeys(name for name in header if name and name != id_column))
        self._places = [header.index(name) for name in self.columns]

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Yield tables of at most CHUNK_ROWS rows, index going on; dtype object: str, or None where empty."""
        with _opened(self._path) as stream:
            records = (record for record, _ in _non_blank(stream))
            next(records)
            start = 0
            while part := list(itertools.islice(records, CHUNK_ROWS)):
                columns = {
                    name: pd.Series([record[place] or None for record in part], dtype=object)
                    for name, place in zip(self.columns, self._places, strict=True)
                }
                yield pd.DataFrame(columns).set_index(pd.RangeIndex(start, start + len(part)))
                start += len(part)


def _survey(path: Path, id_column: str, required: Sequence[str]) -> tuple[list[str], list[str], array[int]]:
    """Read a table once, keeping no more than ids.

    Returns:
        Header names ("" for index columns), ids, and the line each record ends on.
    """
    if not path.is_file():
        raise missing_error(path)
    lines: array[int] = array("Q")
    ids: list[str] = []
    moved: list[str] = []  # ids, should every record turn out to begin with a field that the header lacks
    trailing_commas = True
    with _opened(path) as stream, _csv_errors(path, lines):
        records = _non_blank(stream)
        first = next(records, None)
        if first is None:
            raise DataError(f"{path}: the file is empty", expected="a header and rows", fix=NEW_FILE)
        header = [_header_name(name) for name in first[0]]
        for name in (id_column, *required):
            if header.count(name) != 1:
                raise _column_error(path, name, header, needed={id_column, *required})
        place = header.index(id_column)
        odd_line = odd_width = 0
        for record, line in records:
            lines.append(line)
            if len(record) != len(header):
                odd_line, odd_width = (odd_line, odd_width) if odd_line else (line, len(record))
            ids.append(record[place] if place < len(record) else "")
            if len(record) == len(header) + 1:
                moved.append(record[place + 1])
                trailing_commas = trailing_commas and not record[-1]
    if not ids:
        raise DataError(
            f"{path}: no rows, only a header", expected="at least one row below the header", fix=NEW_FILE
        )
    if len(moved) == len(ids):
        return ([*header, ""], ids, lines) if trailing_commas else (["", *header], moved, lines)
    if odd_line:
        raise DataError(
            f"{path}: the row that ends on line {odd_line} has another number of fields than the header",
            expected=f"{len(header)} fields",
            found=f"{odd_width} fields",
            fix="quote fields that hold commas or line breaks; download a file that was cut off again",
        )
    return header, ids, lines


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    csv.field_size_limit(sys.maxsize)  # the default refuses texts above 131,072 characters
    with path.open(encoding="utf-8-sig", newline="") as stream:
        yield stream


@contextmanager
def _csv_errors(path: Path, lines: array[int]) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: not UTF-8 text",
            found=f"byte 0x{error.object[error.start]:02x}: {error.reason}",
            fix="save the file as UTF-8",
        ) from error
    except csv.Error as error:
        raise DataError(
            f"{path}: not a readable CSV file after line {lines[-1] if lines else 0}",
            expected="every opening quote closed, quotes inside a field doubled",
            found=str(error),
            fix=NEW_FILE,
        ) from error


def _non_blank(stream: Iterator[str]) -> Iterator[tuple[list[str], int]]:
    reader = csv.reader(stream, strict=True)
    for record in reader:
        if any(field.strip() for field in record):
            yield record, reader.line_num


def _header_name(name: str) -> str:
    name = name.strip("\ufeff \t")
    return "" if _INDEX_COLUMN.fullmatch(name) else name


def checked_ids(path: Path, name: str, ids: list[str], place: Callable[[int], str]) -> list[str]:
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


def _column_error(path: Path, name: str, header: Sequence[str], needed: set[str]) -> DataError:
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


def missing_error(path: Path) -> DataError:
    """What to say of a file that is not there."""
    folder = path.parent
    if not folder.is_dir():
        found = f"no folder {folder}"
    else:
        names = sorted(entry.name for entry in folder.iterdir())
        found = f"in {folder}: {listed(names)}" if names else f"{folder} is empty"
    return DataError(
        f"{path}: no such file",
        expected=f"a file '{path.name}'",
        found=found,
        fix="name the folder that holds the competition's unpacked files",
    )
