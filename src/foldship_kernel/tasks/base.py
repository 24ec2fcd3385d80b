"""The pieces that tasks are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foldship_kernel.errors import DataError, listed


@dataclass(frozen=True)
class Template:
    """What a submission must hold.

    Attributes:
        id_column: name of the id column.
        ids: ids in the order wanted.
        columns: all columns in the order wanted.
    """

    id_column: str
    ids: Sequence[str]
    columns: tuple[str, ...]


def rank_signal(sizes: Sequence[int], ids: Sequence[str]) -> NDArray[np.float64]:
    """Order rows by size, then id: (rows,) float64, evenly spaced in [0, 1], the same in any row order."""
    order = sorted(range(len(ids)), key=lambda row: (sizes[row], ids[row]))
    signal = np.full(len(ids), 0.5)
    if len(ids) > 1:
        signal[order] = np.linspace(0.0, 1.0, len(ids))
    return signal


def check_same_ids(
    rows: Sequence[str], template: Sequence[str], rows_path: Path, template_path: Path
) -> None:
    """Check that two files hold the same ids, in any order.

    Raises:
        DataError: an id stands in one of the files only.
    """
    known, wanted = set(rows), set(template)
    if known == wanted:
        return
    found = []
    for path, extra in (
        (rows_path, [value for value in rows if value not in wanted]),
        (template_path, [value for value in template if value not in known]),
    ):
        if extra:
            found.append(f"only in {path.name}: {len(extra)} ({listed(extra)})")
    raise DataError(
        f"{rows_path} and {template_path.name} do not hold the same ids",
        expected=f"the same {len(rows)} ids in both",
        found="; ".join(found),
        fix="take both files from the same download",
    )
