"""Rows that are objects, in JSON or Parquet: their values become columns of text."""

from __future__ import annotations

import itertools
import json
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from foldship_kernel import encodings, magic, opening, parquet
from foldship_kernel.errors import NEW_FILE, DataError, listed
from foldship_kernel.opening import Source
from foldship_kernel.rows import CHUNK_ROWS, CsvRows, checked_ids, opened_text

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


class RecordRows:
    """The rows of a JSON or Parquet file, checked as a whole; see `rows.Rows`.

    JSON lines and Parquet are read in pieces, again each time; of a JSON list the wanted columns are kept.

    Args:
        table: the file; a path as it is declared, see `opening.source`.
        records: where its rows lie; None for columns under their own names.
        required: columns wanted, besides the id.
        id_column: column whose values must be present and distinct; None where rows have only their number.
        strict: whether a value that cannot be a text, or a column that is in no row, is an error; else they
            count as missing, but for the id.

    Attributes:
        ids: id of each row, or its number, from 0.
        columns: the id column first, if there is one, then those required, in the file's order.

    Raises:
        DataError: the file is missing, is no JSON, has no such list or no row that counts; a column is in no
            row; a value cannot be a text; or an id is missing or stands twice.
    """

    def __init__(
        self,
        table: Path | Source,
        records: Records | None,
        *,
        required: Sequence[str],
        id_column: str | None,
        strict: bool,
    ) -> None:
        self._source = opening.source(table) if isinstance(table, Path) else table
        self._records = records or Records()
        self._strict, self._id = strict, id_column
        self.columns = tuple(dict.fromkeys(required if id_column is None else (id_column, *required)))
        self._places = {name: keys_of(records, name) for name in self.columns}
        self._entries: array[int] = array("Q")  # number of each row in the file's list, from 1
        self._keys: dict[str, None] = {}
        self._seen = 0
        self._kept: list[pd.DataFrame] | None = []
        ids: list[str] = []
        held: set[str] = set()
        for piece in self._pieces(first=True):
            ids += [str(n) for n in piece.index] if id_column is None else [v or "" for v in piece[id_column]]
            held |= {name for name in self.columns if name not in held and piece[name].notna().any()}
            if self._source.layout.kind == magic.JSON:
                self._kept.append(piece)
        if not ids:
            raise self._no_rows()
        if records is None:
            held |= self._keys.keys()  # empty throughout, as a column may be
            order = {name: place for place, name in enumerate(self._keys)}
            self.columns = tuple(
                sorted(self.columns, key=lambda name: (name != id_column, order.get(name, len(order))))
            )
        for name, keys in self._places.items():
            if (strict or name == id_column) and name not in held:
                raise DataError(
                    f"{self._source}: no row has '{'.'.join(keys)}'",
                    expected=f"it in the rows of {self._where}, for column '{name}'",
                    found=f"keys {listed(sorted(self._keys))}",
                    fix="check that this is the right competition's file, and records in competition.yaml",
                )
        self.ids: Sequence[str] = ids
        if id_column is not None:
            checked_ids(
                self._source, id_column, ids, lambda row: f"entry {self._entries[row]} of {self._where}"
            )
        if self._source.layout.kind != magic.JSON:
            self._kept = None

    @property
    def _where(self) -> str:
        return self._records.list or "the file"

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Yield tables of at most CHUNK_ROWS rows, index going on; dtype object: str, or None."""
        pieces = self._pieces() if self._kept is None else self._kept
        yield from (piece[list(self.columns)] for piece in pieces)

    def _pieces(self, *, first: bool = False) -> Iterator[pd.DataFrame]:
        rows = self._counting()
        start = 0
        while part := list(itertools.islice(rows, CHUNK_ROWS)):
            if first:
                self._entries.extend(number for number, _ in part)
                self._keys.update((key, None) for _, row in part for key in row)
            columns = {
                name: pd.Series([self._cell(number, row, name) for number, row in part], dtype=object)
                for name in self.columns
            }
            yield pd.DataFrame(columns).set_index(pd.RangeIndex(start, start + len(part)))
            start += len(part)

    def _counting(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """The rows that count, each with its number."""
        wanted = None if self._records.where else {keys[0] for keys in self._places.values()}
        for number, row in enumerate(objects(self._source, self._records.list, wanted), start=1):
            self._seen = number
            if all(_spelt(row.get(key), value) for key, value in self._records.where.items()):
                yield number, row

    def _cell(self, number: int, row: Mapping[str, Any], name: str) -> str | None:
        keys = self._places[name]
        try:
            return text(value_at(row, keys), in_json=self._source.layout.kind != magic.PARQUET)
        except ValueError as error:
            if self._strict or name == self._id:
                raise DataError(
                    f"{self._source}: {self._where}, entry {number}: '{'.'.join(keys)}' {error}",
                    expected="a text, or a list of texts",
                    fix=NEW_FILE,
                ) from error
            return None

    def _no_rows(self) -> DataError:
        only = " and ".join(f"{key} {wanted}" for key, wanted in self._records.where.items())
        return DataError(
            f"{self._source}: no rows" + (f" with {only}" if only else ""),
            expected="at least one",
            found=f"{self._seen} others" if self._seen else "an empty list",
            fix=NEW_FILE,
        )


def open_rows(
    path: Path,
    records: Records | None,
    *,
    required: Sequence[str],
    id_column: str | None,
    strict: bool,
    encoding: str = encodings.UTF8,
) -> CsvRows | RecordRows:
    """The rows of a competition's file, whatever it is packed in and however the table lies in it.

    Args:
        path: as it is declared, see `opening.source`.
        records: where rows lie in JSON; None for columns under their own names.
        required, id_column, strict: see `RecordRows`.
        encoding: of the characters, where no byte order mark says another.

    Raises:
        DataError: see `opening.source`, `RecordRows` and `rows.CsvRows`.
    """
    source = opening.source(path, encoding)
    if source.layout.kind == magic.DELIMITED and records is None:
        return CsvRows(source, required=required, id_column=id_column)
    return RecordRows(source, records, required=required, id_column=id_column, strict=strict)


def objects(
    source: Source, inside: str = "", columns: Iterable[str] | None = None
) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a JSON or Parquet file, one after another.

    Args:
        source: the file.
        inside: keys that lead to the list of rows in a JSON document, with dots between.
        columns: those of a Parquet file to read; None for all.

    Raises:
        DataError: it cannot be read, has no such list, or an entry is no object.
    """
    if source.layout.kind == magic.PARQUET:
        yield from parquet.objects(source, None if columns is None else list(columns))
        return
    lines = source.layout.kind == magic.JSON_LINES and not inside
    found = _lines(source) if lines else _list(source, inside)
    for number, row in enumerate(found, start=1):
        if not isinstance(row, Mapping):
            raise DataError(
                f"{source}: {inside or 'the file'}, entry {number} is no object",
                expected="{...}",
                found=_kind(row),
                fix=NEW_FILE,
            )
        yield row


def only_list(source: Source) -> str:
    """The key of the only list of objects in a JSON document; "" where the document is a list, or has none.

    Raises:
        DataError: it is no JSON.
    """
    with opened_text(source) as stream, _encoding_errors(source):
        value = _parsed(stream.read(), str(source))
    held = value.items() if isinstance(value, Mapping) else ()
    lists = [key for key, rows in held if isinstance(rows, list) and rows and isinstance(rows[0], Mapping)]
    return lists[0] if len(lists) == 1 else ""


def _lines(source: Source) -> Iterator[Any]:
    where = str(source)
    with opened_text(source) as stream, _encoding_errors(source):
        for number, line in enumerate(stream, start=1):
            if line.strip():
                yield _parsed(line, f"{where}, line {number}")


def _list(source: Source, inside: str) -> list[Any]:
    """The list of rows in a JSON document."""
    with opened_text(source) as stream, _encoding_errors(source):
        value = _parsed(stream.read(), str(source))
    for key in filter(None, inside.split(".")):
        if not isinstance(value, Mapping) or key not in value:
            raise DataError(
                f"{source}: there is no '{inside}' in it",
                expected=f"a list of rows under '{inside}'",
                found=f"keys {listed(sorted(value))}" if isinstance(value, Mapping) else _kind(value),
                fix="check that this is the right competition's file",
            )
        value = value[key]
    if not isinstance(value, list):
        lists = [k for k, v in value.items() if isinstance(v, list)] if isinstance(value, Mapping) else []
        if isinstance(value, Mapping) and not inside and not lists:
            return [value]  # the only row of a file of JSON lines
        raise DataError(
            f"{source}: {inside or 'the file'} is no list",
            expected="a list of rows",
            found=_kind(value) + (f" with lists under {listed(lists)}" if lists else ""),
            fix="say in competition.yaml where the list lies, as records: {list: ...}" if lists else NEW_FILE,
        )
    return value


@contextmanager
def _encoding_errors(source: Source) -> Iterator[None]:
    try:
        yield
    except UnicodeError as error:
        raise encodings.wrong(str(source), source.encoding, error) from error


def _parsed(content: str, where: str) -> Any:
    try:
        # Numbers stay as they are spelt, so that ids are written back as they came.
        return json.loads(content, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: no valid JSON", found=str(error), fix=NEW_FILE) from error


def keys_of(records: Records | None, name: str) -> Sequence[str]:
    return [name] if records is None else records.columns.get(name, name).split(".")


def _spelt(value: Any, wanted: str) -> bool:
    """Whether a value is the one wanted, as JSON or as Python writes it."""
    return str(value) == wanted or (isinstance(value, bool) and str(value).lower() == wanted)


def value_at(value: Any, keys: Sequence[str]) -> Any:
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
            return [value_at(part, keys[place + 1 :]) for part in value]
    return value


def text(value: Any, *, in_json: bool) -> str | None:
    """A value as the text of a cell: as JSON, or else Python, writes it; ValueError where it is none."""
    if isinstance(value, list):
        lines = [" ".join((text(part, in_json=in_json) or "").split()) for part in value]
        return SEPARATOR.join(lines) or None
    if isinstance(value, Mapping):
        raise ValueError("holds an object")
    if isinstance(value, bytes):
        return value.decode("utf-8") or None  # UnicodeDecodeError is a ValueError
    if value is None or value != value:  # NaN
        return None
    if in_json and isinstance(value, bool):
        return str(value).lower()
    return str(value) or None


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
