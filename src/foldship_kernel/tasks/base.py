"""The pieces that tasks are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foldship_kernel.errors import DataError, listed
from foldship_kernel.mended import Mended

NO_ROW = -1


@dataclass(frozen=True)
class Template:
    """What a submission must hold.

    Attributes:
        id_column: name of the id column.
        ids: ids in the order wanted.
        columns: all columns in the order wanted.
        rows: (ids,) place of each id's row among those that were read, `NO_ROW` for one that has none; None
            where both hold the same ids, each once.
        holds: for columns that are not called as they were declared: the declared name.
        given: what stands in columns that nobody declared, a text for each id.
        mended: what was odd in the files that this and the rows were read from.
    """

    id_column: str
    ids: Sequence[str]
    columns: tuple[str, ...]
    rows: NDArray[np.int64] | None = None
    holds: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, Sequence[str]] = field(default_factory=dict)
    mended: tuple[Mended, ...] = ()

    @property
    def without_row(self) -> NDArray[np.bool_]:
        """(ids,) bool: whether an id has no row."""
        return np.zeros(len(self.ids), dtype=bool) if self.rows is None else self.rows < 0


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


def check_columns(found: Sequence[str], declared: Sequence[str], path: Path) -> None:
    """Check that a sample submission has no columns that nobody declared.

    Raises:
        DataError: it has.
    """
    others = [name for name in found if name not in declared]
    if others:
        raise DataError(
            f"{path}: columns that competition.yaml does not declare: {listed(others)}",
            expected=f"columns {listed(declared)}",
            found=f"columns {listed(found)}",
            fix="declare under submission what they hold, or name the right file under files.sample",
        )
