"""Whole tables in memory, and numbers in them, refused with the place named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from foldship_kernel import decisions, encodings
from foldship_kernel.errors import NEW_FILE, DataError
from foldship_kernel.records import Records, open_rows


def read_table(
    path: Path,
    *,
    required: Sequence[str],
    id_column: str | None,
    records: Records | None = None,
    encoding: str = encodings.UTF8,
) -> pd.DataFrame:
    """Read a whole table into memory; takes and refuses what `records.open_rows` does.

    Args:
        path: the file.
        required: columns that must be there, besides the id.
        id_column: column whose values must be present and distinct; None where rows have only their number.
        records: how rows lie in a JSON file; None for columns under their own names.
        encoding: of the characters, where no byte order mark says another.

    Returns:
        One row per record and at least one row, index 0, 1, 2 ...; the id column first, then all named
        columns of a table of text in its order, or of JSON and Parquet those required. All columns are of
        dtype object and hold str, or None where a field is empty.
    """
    rows = open_rows(path, records, required=required, id_column=id_column, strict=True, encoding=encoding)
    return pd.concat(list(rows.chunks()))


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
        {name: decisions.parse(frame[name]) for name in columns},
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
            fix=NEW_FILE,
        )
    return parsed
