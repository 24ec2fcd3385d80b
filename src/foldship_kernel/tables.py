"""Competition tables as other people write them: read with care, refused with the place named.

Everything is read as text, so that ids are written back exactly as they came.
"""

from __future__ import annotations

import csv
import difflib
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from foldship_kernel.errors import DataError

_INDEX_COLUMN = re.compile(r"(Unnamed: \d+(\.\d+|_level_\d+)?)?")
_MISSING_IDS = {"", "nan"}
_SHOWN = 12  # names listed in an error before the rest is only counted
_NEW_FILE = "download the competition's files again, or mend this one"


def read_table(path: Path, *, required: Sequence[str], id_column: str) -> pd.DataFrame:
    """Read a CSV table keyed by an id.

    A byte order mark, any line ending, line breaks inside quotes, blank lines, a column (or, as R writes it,
    a header one name short) that holds only row numbers, and extra columns are all accepted.

    Args:
        path: CSV file in UTF-8 with a header.
        required: columns that must be there, besides the id.
        id_column: column whose values must be present and distinct.

    Returns:
        One row per record and at least one row, index 0, 1, 2 ...; the id column first, then all other named
        columns in the file's order. All columns are of dtype object and hold str, or None where a field is
        empty.

    Raises:
        DataError: the file is missing, empty, not UTF-8, not CSV, lacks rows or a column, or an id is missing
            or stands twice.
    """
    header, records, lines = _read_records(path)
    for name in (id_column, *required):
        if header.count(name) != 1:
            raise _column_error(path, name, header, needed={id_column, *required})
    if not records:
        raise DataError(
            f"{path}: no rows, only a header", expected="at least one row below the header", fix=_NEW_FILE
        )
    names = [id_column] + [name for name in dict.fromkeys(header) if name and name != id_column]
    columns = {
        name: pd.Series([record[place] or None for record in records], dtype=object)
        for name, place in ((name, header.index(name)) for name in names)
    }
    columns[id_column] = _checked_ids(path, id_column, columns[id_column], lines)
    return pd.DataFrame(columns)


def numbers(frame: pd.DataFrame, columns: Sequence[str], path: Path, low: float, high: float) -> pd.DataFrame:
    """Parse columns of text as numbers.

    Args:
        frame: as `read_table` returns it: the id column first, index 0, 1, 2 ... in the file's order.
        columns: columns to parse.
        path: the file the table came from, for errors.
        low, high: smallest and largest value allowed.

    Returns:
        The parsed columns, (rows, columns) float64, with the index of `frame`.

    Raises:
        DataError: a value is missing, is no number, or lies outside [low, high].
    """
    parsed = pd.DataFrame(
        {name: pd.to_numeric(frame[name], errors="coerce").astype("float64") for name in columns},
        index=frame.index,
    )
    wrong = ~((parsed >= low) & (parsed <= high)).to_numpy()
    if wrong.any():
        row, column = (int(place) for place in np.argwhere(wrong)[0])
        value = frame[columns[column]].iloc[row]
        key = frame[str(frame.columns[0])].iloc[row]
        more = int(wrong.sum()) - 1
        raise DataError(
            f"{path}: column '{columns[column]}', row {int(frame.index[row]) + 1} "
            f"({frame.columns[0]} {key}) holds no valid number",
            expected=f"a number from {low:g} to {high:g}",
            found=("nothing" if value is None else repr(value)) + (f" (and {more} more)" if more else ""),
            fix=_NEW_FILE,
        )
    return parsed


def listed(names: Sequence[str]) -> str:
    """`names` on one line, a long list cut short."""
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown


def _read_records(path: Path) -> tuple[list[str], list[list[str]], list[int]]:
    """Header names ("" for index columns), records of the same width, and the line each record ends on."""
    if not path.is_file():
        raise _missing_error(path)
    csv.field_size_limit(sys.maxsize)  # the default refuses texts above 131,072 characters
    records, lines = [], []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            for record, line in _non_blank(stream):
                records.append(record)
                lines.append(line)
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
            fix=_NEW_FILE,
        ) from error
    if not records:
        raise DataError(f"{path}: the file is empty", expected="a header and rows", fix=_NEW_FILE)
    header = [_header_name(name) for name in records.pop(0)]
    lines.pop(0)
    return _aligned(path, header, records, lines), records, lines


def _non_blank(stream: Iterator[str]) -> Iterator[tuple[list[str], int]]:
    reader = csv.reader(stream, strict=True)
    for record in reader:
        if any(field.strip() for field in record):
            yield record, reader.line_num


def _header_name(name: str) -> str:
    name = name.strip("\ufeff \t")
    return "" if _INDEX_COLUMN.fullmatch(name) else name


def _aligned(path: Path, header: list[str], records: list[list[str]], lines: list[int]) -> list[str]:
    """The header, made as wide as the records where all of them hold one unnamed field more."""
    widths = {len(record) for record in records}
    if widths == {len(header) + 1}:
        trailing_commas = not any(record[-1] for record in records)
        return [*header, ""] if trailing_commas else ["", *header]
    for record, line in zip(records, lines, strict=True):
        if len(record) != len(header):
            raise DataError(
                f"{path}: the row that ends on line {line} has another number of fields than the header",
                expected=f"{len(header)} fields",
                found=f"{len(record)} fields",
                fix="quote fields that hold commas or line breaks; download a file that was cut off again",
            )
    return header


def _checked_ids(path: Path, name: str, ids: pd.Series, lines: Sequence[int]) -> pd.Series:
    seen: dict[str, int] = {}
    for row, value in enumerate(ids):
        if value is None or value.strip().lower() in _MISSING_IDS:
            raise DataError(
                f"{path}: column '{name}' has no id in row {row + 1} (line {lines[row]})",
                expected="an id in every row",
                found="nothing" if value is None else repr(value),
                fix=_NEW_FILE,
            )
        if value in seen:
            first = seen[value]
            raise DataError(
                f"{path}: column '{name}' holds the id {value} twice",
                expected="every id once",
                found=f"rows {first + 1} and {row + 1} (lines {lines[first]} and {lines[row]})",
                fix="remove one of the two rows",
            )
        seen[value] = row
    return ids


def _column_error(path: Path, name: str, header: Sequence[str], needed: set[str]) -> DataError:
    if name in header:
        return DataError(f"{path}: column '{name}' stands {header.count(name)} times", fix="keep one of them")
    named = [column for column in header if column]
    close = difflib.get_close_matches(name, [column for column in named if column not in needed], n=3)
    return DataError(
        f"{path}: no column '{name}'",
        expected=f"a column '{name}' in the header",
        found=f"similar: {listed(close)}" if close else f"columns {listed(named)}",
        fix=f"if that is the same, rename it to '{name}'"
        if close
        else "check that this is the right competition's file",
    )


def _missing_error(path: Path) -> DataError:
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
