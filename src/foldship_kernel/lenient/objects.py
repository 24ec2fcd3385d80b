"""Rows that are objects, in JSON that is cut off or malformed, or in Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

from foldship_kernel import magic
from foldship_kernel.lenient import decoding, spelling
from foldship_kernel.lenient.table import Row
from foldship_kernel.mended import Mending
from foldship_kernel.opening import Source
from foldship_kernel.records import Records, keys_of, objects, text, value_at

# Numbers stay as they are spelt; control characters within texts are accepted.
_DECODER = json.JSONDecoder(parse_float=str, strict=False)
_LEFT_OUT = "entries that are no rows, left out"


class ObjectTable:
    """Rows of a JSON or Parquet file, as many as can be found.

    Args:
        source: the file.
        records: where its rows lie; None for columns under their own names.
        required: columns wanted, besides the id.
        id_column: name of the id column.
        notes: told what was mended in the names.

    Attributes:
        columns: the id column, then those required; "" for one that no row has.
        written: how the file writes those names that it writes otherwise.
        place: of the id, 0; None where no row has one.
    """

    def __init__(
        self,
        source: Source,
        records: Records | None,
        *,
        required: Sequence[str],
        id_column: str,
        notes: Mending,
    ) -> None:
        self._source, self._records = source, records or Records()
        self._paths = {name: list(keys_of(records, name)) for name in dict.fromkeys((id_column, *required))}
        self._encoding = decoding.encoding_of(source, notes)
        keys: dict[str, None] = {}
        for _, entry in self._entries(Mending("")):
            keys.update(dict.fromkeys(map(str, entry)))
        there = list(keys)
        found = spelling.places(there, [path[0].removesuffix("[]") for path in self._paths.values()])
        self.columns: list[str] = []
        self.written: dict[str, str] = {}
        for name, path in self._paths.items():
            key, several = path[0].removesuffix("[]"), "[]" * path[0].endswith("[]")
            if key in found and there[found[key]] != key:
                notes.note(f"the rows have '{there[found[key]]}' for '{key}'", f"column '{name}'")
                path[0] = there[found[key]] + several
                self.written[name] = there[found[key]]
            self.columns.append(name if key in found else "")
        self.place = 0 if self.columns[0] else None
        if self.place is None:
            notes.note(f"no row has '{id_column}', rows told by their order", "the first row")

    @cached_property
    def _undecodable(self) -> bool:
        return self._source.layout.kind != magic.PARQUET and not decoding.decodable(
            self._source, self._encoding
        )

    def rows(self, notes: Mending) -> Iterator[Row]:
        """Yield all rows.

        Args:
            notes: told what was mended.
        """
        for number, entry in self._entries(notes):
            cells = [self._cell(entry, path, number, notes) for path in self._paths.values()]
            where = f"entry {number}" + (f", id {(cells[0] or '')[:40]}" if self.place is not None else "")
            if self._undecodable and any(spelling.UNREADABLE in (cell or "") for cell in cells):
                notes.note(f"rows with bytes that are not {self._encoding.upper()}, replaced", where)
            yield Row(cells, where)

    def _cell(self, entry: Mapping[str, Any], path: Sequence[str], number: int, notes: Mending) -> str | None:
        in_json = self._source.layout.kind != magic.PARQUET
        # One value may stand in the place of a list of them.
        for keys in (path, [key.removesuffix("[]") for key in path]):
            with suppress(ValueError):
                return text(value_at(entry, keys), in_json=in_json)
        notes.note(f"'{'.'.join(path)}' is no text, taken as empty", f"entry {number}")
        return None

    def _entries(self, notes: Mending) -> Iterator[tuple[int, Mapping[str, Any]]]:
        wanted = self._records.where
        for number, entry in enumerate(self._found(notes), start=1):
            if all(str(entry.get(key)).casefold() == value.casefold() for key, value in wanted.items()):
                yield number, entry

    def _found(self, notes: Mending) -> Iterator[Mapping[str, Any]]:
        if self._source.layout.kind == magic.PARQUET:
            top = [path[0].removesuffix("[]") for path in self._paths.values()]
            yield from objects(self._source, columns=None if self._records.where else top)
            return
        with decoding.opened(self._source, self._encoding, notes) as lines:
            if self._source.layout.kind == magic.JSON_LINES and not self._records.list:
                for number, line in enumerate(lines, start=1):
                    yield from self._in(line, f"line {number}", notes)
            else:
                yield from self._in("".join(lines), "the list", notes)

    def _in(self, content: str, where: str, notes: Mending) -> Iterator[Mapping[str, Any]]:
        """Rows in a line or a document: its own, or what can be found where it is malformed."""
        if not content.strip("\ufeff \t\r\n,"):
            return
        try:
            value = _DECODER.decode(content.strip("\ufeff \t\r\n,"))
        except (ValueError, RecursionError):
            yield from self._whole_ones(content, where, notes)
            return
        for key in filter(None, self._records.list.split(".")):
            inner = value.get(key) if isinstance(value, Mapping) else None
            value = value if inner is None else inner
        for entry in self._listed(value):
            if isinstance(entry, Mapping):
                yield entry
            else:
                notes.note(_LEFT_OUT, f"{where}: {str(entry)[:40]!r}")

    def _listed(self, value: Any) -> list[Any]:
        """A list of rows, in whichever way it is written: as itself, by column, by id, or within an object."""
        if not isinstance(value, Mapping):
            return value if isinstance(value, list) else [value]
        id_key = self._id_key
        columns = [column for column in value.values() if isinstance(column, list | Mapping)]
        if id_key in value and len(columns) == len(value):
            parts = [list(column.values()) if isinstance(column, Mapping) else column for column in columns]
            if len(set(map(len, parts))) == 1 and not any(isinstance(one, Mapping) for one in parts[0]):
                return [dict(zip(value, row, strict=True)) for row in zip(*parts, strict=True)]
        if id_key in value:
            return [value]
        for inner in value.values():
            if isinstance(inner, list) and any(isinstance(one, Mapping) for one in inner):
                return inner
        if value and all(isinstance(inner, Mapping) for inner in value.values()):
            return [{id_key: key, **inner} for key, inner in value.items()]
        return [value]

    def _whole_ones(self, content: str, where: str, notes: Mending) -> Iterator[Mapping[str, Any]]:
        """Rows that are whole in a text that as a whole is no JSON."""
        place = content.find("{")
        while place >= 0:
            try:
                value, end = _DECODER.raw_decode(content, place)
            except (ValueError, RecursionError):
                end = place + 1
                if self._begins_row(content, place):
                    notes.note("rows of malformed or cut off JSON, left out", f"{where}, character {place}")
            else:
                if self._id_key in value:
                    yield value
                else:
                    end = place + 1
            place = content.find("{", end)

    def _begins_row(self, content: str, place: int) -> bool:
        return content[place + 1 : place + 200].lstrip().startswith(f'"{self._id_key}"')

    @property
    def _id_key(self) -> str:
        return next(iter(self._paths.values()))[0].removesuffix("[]")


