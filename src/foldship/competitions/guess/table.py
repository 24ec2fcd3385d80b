"""A whole file as columns of text, whatever it is, for looking at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from foldship_kernel import encodings, magic, opening, records, tables
from foldship_kernel.errors import NEW_FILE, DataError


@dataclass(frozen=True)
class Table:
    """A file's rows.

    Attributes:
        rows: str, "" where a field is empty; the columns that have a name.
        inside: keys that lead to the rows in a JSON document; "" for a table or a plain list.
        objects: columns that cannot be read as text.
    """

    rows: pd.DataFrame
    inside: str = ""
    objects: tuple[str, ...] = ()


def read(path: Path, encoding: str = encodings.UTF8) -> Table:
    """Read a file by its declared name, as training does.

    Args:
        path: see `opening.source`.
        encoding: of its characters.

    Raises:
        DataError: it cannot be read, or has no rows.
    """
    source = opening.source(path, encoding)
    if source.layout.kind == magic.DELIMITED:
        rows = tables.read_table(path, required=(), id_column=None, encoding=encoding)
        return Table(rows.fillna("").astype(object))
    return _of_objects(source)


def _of_objects(source: opening.Source) -> Table:
    inside = ""
    if source.layout.kind == magic.JSON:
        inside = records.only_list(source)
    cells: dict[str, list[str]] = {}
    objects: dict[str, None] = {}
    count, in_json = 0, source.layout.kind != magic.PARQUET
    for row in records.objects(source, inside):
        for name in [name for name in row if name not in cells]:
            cells[name] = [""] * count
        for name, column in cells.items():
            try:
                column.append(records.text(row.get(name), in_json=in_json) or "")
            except ValueError:
                objects[name] = None
                column.append("")
        count += 1
    if not count:
        raise DataError(f"{source}: no rows", expected="at least one", fix=NEW_FILE)
    rows = pd.DataFrame({name: cells[name] for name in cells if name not in objects}, dtype=object)
    return Table(rows, inside, tuple(objects))
