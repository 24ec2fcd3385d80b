"""A submission, read as strictly as a scorer might."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from pathlib import Path

import pandas as pd


def read(path: Path) -> pd.DataFrame:
    """Read every cell as text, with the header as columns.

    Raises:
        ValueError: the file is empty, not UTF-8, not CSV, a column's name is repeated, or its rows are not
            all as wide as the header.
    """
    csv.field_size_limit(sys.maxsize)
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            header, *rows = list(csv.reader(stream, strict=True)) or [[]]
    except csv.Error as error:
        raise ValueError(f"not CSV: {error}") from error
    if not header:
        raise ValueError("the file is empty")
    repeated = [name for name, count in Counter(header).items() if count > 1]
    if repeated:
        raise ValueError(f"column '{repeated[0]}' is there {header.count(repeated[0])} times")
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise ValueError(f"record {number} has {len(row)} cells, the header {len(header)}")
    return pd.DataFrame(rows, columns=header, dtype=object)
