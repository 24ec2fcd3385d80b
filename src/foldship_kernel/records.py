"""Rows that lie in JSON: a list of objects, whose values become columns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from foldship_kernel.errors import NEW_FILE, DataError, listed
from foldship_kernel.rows import CHUNK_ROWS, CsvRows, Rows, checked_ids, missing_error

SEPARATOR = "\n"  # between the values of a list; white space inside a value becomes a blank


@dataclass(frozen=True)
class Records:
    """Where rows lie in a JSON file, and what of them becomes a column.

    Attributes:
        list: keys that lead to the list of rows, with dots between; "" for a file that is that list itself.
        where: values that a row must have to count, by key.
        columns: where a column's values lie in a row: keys with dots between, `[]` behind one that holds a
            list, as in `snippets[].text`. A column that is not named lies under its own name.
    """

    list: str = ""
    where: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)


class JsonRows:
    """The rows of a JSON file, checked as a whole; see `rows.Rows`.

    Args:
        path: JSON file in UTF-8.
        records: where its rows lie.
        required: columns wanted, besides the id.
        id_column: column whose values must be present and distinct.
        strict: whether a value that cannot be a text, or a column that is in no row, is an error; else they
            count as missing, but for the id.

    Attributes:
        ids: id of each row.
        columns: the id column first, then those required.

    Raises:
        DataError: the file is missing, is no JSON, has no such list or no row that counts; a column is in no
            row; a value cannot be a text; or an id is missing or stands twice.
    """

    def __init__(
        self, path: Path, records: Records, *, required: Sequence[str], id_column: str, strict: bool
    ) -> None:
        rows = _rows(path, records)
        self.columns = tuple(dict.fromkeys((id_column, *required)))
        places = {name: records.columns.get(name, name).split(".") for name in self.columns}
        values: dict[str, list[str | None]] = {name: [] for name in self.columns}
        for number, row in rows:
            for name, keys in places.items():
                try:
                    values[name].append(_text(_found(row, keys)))
                except ValueError as error:
                    if strict or name == id_column:
                        raise DataError(
                            f"{path}: {records.list or 'the list'}, entry {number}: "
                            f"'{'.'.join(keys)}' {error}",
                            expected="a text, or a list of texts",
                            fix=NEW_FILE,
                        ) from error
                    values[name].append(None)
        for name, keys in places.items():
            if (strict or name == id_column) and all(value is None for value in values[name]):
                raise DataError(
                    f"{path}: no row has '{'.'.join(keys)}'",
                    expected=f"it in the rows of {records.list or 'the list'}, for column '{name}'",
                    found=f"keys {listed(sorted({key for _, row in rows for key in row}))}",
                    fix="check that this is the right competition's file, and records in competition.yaml",
                )
        ids = [value or "" for value in values[id_column]]
        self.ids: Sequence[str] = checked_ids(
            path, id_column, ids, lambda row: f"entry {rows[row][0]} of {records.list or 'the list'}"
        )
        self._values = values

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Yield tables of at most CHUNK_ROWS rows, index going on; dtype object: str, or None."""
        for start in range(0, len(self.ids), CHUNK_ROWS):
            stop = min(start + CHUNK_ROWS, len(self.ids))
            part = {name: pd.Series(cells[start:stop], dtype=object) for name, cells in self._values.items()}
            yield pd.DataFrame(part).set_index(pd.RangeIndex(start, stop))


def open_rows(
    path: Path, records: Records | None, *, required: Sequence[str], id_column: str, strict: bool
) -> Rows:
    """The rows of a competition's file: JSON where it says how they lie there, else CSV.

    Raises:
        DataError: see `JsonRows` and `rows.CsvRows`.
    """
    if records is None:
        return CsvRows(path, required=required, id_column=id_column)
    return JsonRows(path, records, required=required, id_column=id_column, strict=strict)


def _rows(path: Path, records: Records) -> list[tuple[int, Mapping[str, Any]]]:
    """The rows that count, each with its number in the file's list, from 1."""
    value = _load(path)
    for key in filter(None, records.list.split(".")):
        if not isinstance(value, Mapping) or key not in value:
            raise DataError(
                f"{path}: there is no '{records.list}' in it",
                expected=f"a list of rows under '{records.list}'",
                found=f"keys {listed(sorted(value))}" if isinstance(value, Mapping) else _kind(value),
                fix="check that this is the right competition's file",
            )
        value = value[key]
    where = records.list or "the file"
    if not isinstance(value, list):
        raise DataError(
            f"{path}: {where} is no list", expected="a list of rows", found=_kind(value), fix=NEW_FILE
        )
    rows = []
    for number, row in enumerate(value, start=1):
        if not isinstance(row, Mapping):
            raise DataError(
                f"{path}: {where}, entry {number} is no object",
                expected="{...}",
                found=_kind(row),
                fix=NEW_FILE,
            )
        if all(str(row.get(key)) == wanted for key, wanted in records.where.items()):
            rows.append((number, row))
    if not rows:
        only = " and ".join(f"{key} {wanted}" for key, wanted in records.where.items())
        raise DataError(
            f"{path}: no rows" + (f" with {only}" if only else ""),
            expected="at least one",
            found=f"{len(value)} others" if value else "an empty list",
            fix=NEW_FILE,
        )
    return rows


def _load(path: Path) -> Any:
    if not path.is_file():
        raise missing_error(path)
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: not UTF-8 text",
            found=f"byte 0x{error.object[error.start]:02x}: {error.reason}",
            fix="save the file as UTF-8",
        ) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: no valid JSON", found=str(error), fix=NEW_FILE) from error


def _found(value: Any, keys: Sequence[str]) -> Any:
    """What lies at the end of the keys, a list where one of them has `[]`; None where there is nothing."""
    for place, key in enumerate(keys):
        name = key.removesuffix("[]")
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise ValueError(f"lies in {_kind(value)}, not in an object")
        value = value.get(name)
        if key != name and value is not None:
            if not isinstance(value, list):
                raise ValueError(f"is {_kind(value)}, not a list")
            return [_found(part, keys[place + 1 :]) for part in value]
    return value


def _text(value: Any) -> str | None:
    """A value as the text of a cell; ValueError where it is none."""
    if isinstance(value, list):
        lines = [" ".join((_text(part) or "").split()) for part in value]
        return SEPARATOR.join(lines) or None
    if isinstance(value, Mapping):
        raise ValueError("holds an object")
    return None if value is None else str(value) or None


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
