"""Rows of a table that the strict reader refuses."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import pandas as pd

from foldship_kernel import magic
from foldship_kernel.lenient.delimited import DelimitedTable
from foldship_kernel.lenient.objects import ObjectTable
from foldship_kernel.lenient.table import Table
from foldship_kernel.mended import Mended, Mending
from foldship_kernel.opening import Source
from foldship_kernel.records import Records
from foldship_kernel.rows import CHUNK_ROWS


class LenientRows:
    """The rows that can be found in a file; see `rows.Rows`.

    Args:
        source: the file.
        records: where rows lie in JSON; None for columns under their own names.
        required: columns wanted, besides the id; one that is not there counts as empty.
        id_column: column of the ids.
        known: ids that are known, as of the sample submission: they tell where records begin.

    Attributes:
        ids: id of each row as it stands in the file, whether it is missing or stands twice; or its number.
        columns: the id column, the other named ones of the file, and those that are missing.
        missing: those of `required` that the file lacks.
        written: how the file writes those column names that it writes otherwise.
        numbered: whether the file has no ids.
        mended: what was odd.

    Raises:
        DataError: the file cannot be read at all.
    """

    def __init__(
        self,
        source: Source,
        records: Records | None,
        *,
        required: Sequence[str],
        id_column: str,
        known: Sequence[str] = (),
    ) -> None:
        notes = Mending(source.file.name)
        self._table = table_of(source, records, required, id_column, known, notes)
        named = {name: place for place, name in enumerate(self._table.columns) if name and name != id_column}
        self.missing = tuple(name for name in required if name not in named)
        self._places: dict[str, int | None] = {**named, **dict.fromkeys(self.missing)}
        self._id_column = id_column
        self.columns = (id_column, *self._places)
        self.written = self._table.written
        self.numbered = self._table.place is None
        self.ids: Sequence[str] = [
            _encodable(row.cells[self._table.place] or "") if self._table.place is not None else str(number)
            for number, row in enumerate(self._table.rows(notes))
        ]
        self.mended: tuple[Mended, ...] = notes.found

    def chunks(self) -> Iterator[pd.DataFrame]:
        """Yield tables of at most CHUNK_ROWS rows, index going on; dtype object: str, or None where empty."""
        rows = self._table.rows(Mending(""))
        start = 0
        while part := list(itertools.islice(rows, CHUNK_ROWS)):
            stop = start + len(part)
            columns = {self._id_column: pd.Series(self.ids[start:stop], dtype=object)}
            for name, place in self._places.items():
                cells = [None if place is None else row.cells[place] or None for row in part]
                columns[name] = pd.Series(cells, dtype=object)
            yield pd.DataFrame(columns).set_index(pd.RangeIndex(start, stop))
            start = stop


def table_of(
    source: Source,
    records: Records | None,
    required: Sequence[str],
    id_column: str,
    known: Sequence[str],
    notes: Mending,
) -> Table:
    """The file's table; only its beginning is read, if it is delimited text and no ids are known."""
    if source.layout.kind == magic.DELIMITED and records is None:
        return DelimitedTable(source, required=required, id_column=id_column, known=known, notes=notes)
    return ObjectTable(source, records, required=required, id_column=id_column, notes=notes)


def _encodable(value: str) -> str:
    """An id without the lone surrogates that JSON can hold and no file can."""
    return value.encode("utf-8", "replace").decode("utf-8")
