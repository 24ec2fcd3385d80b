"""Two submissions of one bundle for the same rows: whether they are the same, but for rounding."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from foldship_kernel.errors import FoldshipError, listed
from foldship_kernel.tasks import Task

# Share of the range: what a fold in fp16 may differ from the same in fp32 on the parity ladder.
TOLERANCE = 3e-3
# Post-processing moves a value that lies at a threshold by a whole step.
MOST_APART = 0.01
LEAST_RANK_CORRELATION = 0.99


@dataclass(frozen=True)
class Comparison:
    """How far two submissions are apart.

    Attributes:
        rows: compared.
        largest: difference of two cells.
        mean: difference, absolute, over all cells.
        apart: share of cells that differ by more than the tolerance.
        correlations: Spearman's rank correlation by column of numbers, where the metric asks for an order of
            the rows; columns that are constant in both are left out.
    """

    rows: int
    largest: float
    mean: float
    apart: float
    correlations: dict[str, float]

    @property
    def lowest(self) -> float:
        """The lowest rank correlation of a column; 1 without any."""
        return min(self.correlations.values(), default=1.0)

    @property
    def equal(self) -> bool:
        """Whether they are the same within what fp16 and other processors explain."""
        return self.apart <= MOST_APART and self.lowest >= LEAST_RANK_CORRELATION


def compare(one: Path, other: Path, task: Task) -> Comparison:
    """Compare two submissions; the order of rows does not matter.

    Args:
        one, other: CSV files.
        task: what they are submissions to.

    Raises:
        FoldshipError: a file cannot be read, or they are not for the same rows and columns.
    """
    first, second = (_read(path, task) for path in (one, other))
    span = task.high - task.low
    if set(first.index) != set(second.index):
        common = len(set(first.index) & set(second.index))
        raise FoldshipError(
            f"{one} and {other} are for other rows",
            expected=f"the {len(first)} ids of {one}",
            found=f"{len(second)} ids, {common} of them in both",
            fix="rehearse on the competition's own test files: make simulate INPUT=<their folder>",
        )
    left = first.to_numpy()
    right = second.loc[first.index].to_numpy()
    apart = np.abs(left - right)
    ranks = [pd.DataFrame(side, columns=first.columns).rank() for side in (left, right)]
    correlations: dict[str, float] = {}
    for name in () if task.rowwise else first.columns:
        constant = [side[name].nunique() < 2 for side in ranks]
        if not all(constant):
            correlations[name] = 0.0 if any(constant) else float(ranks[0][name].corr(ranks[1][name]))
    return Comparison(
        rows=len(first),
        largest=float(apart.max(initial=0.0)),
        mean=float(apart.mean()) if apart.size else 0.0,
        apart=float((apart > TOLERANCE * span).mean()) if apart.size else 0.0,
        correlations=correlations,
    )


def _read(path: Path, task: Task) -> pd.DataFrame:
    try:
        cells = pd.read_csv(path, dtype=str)
        missing = [name for name in (task.id, *task.submission) if name not in cells.columns]
        if missing:
            raise ValueError(f"there is no column {missing[0]!r}")
        frame = task.numbers(cells).set_index(cells[task.id])
    except (OSError, ValueError) as error:
        raise FoldshipError(
            f"{path}: cannot be compared",
            expected=f"columns {task.id}, {listed(list(task.submission))}",
            found=str(error),
            fix="look into the file; rehearse with `make simulate`, or push again",
        ) from error
    if frame.index.has_duplicates or frame.isna().any(axis=None):
        raise FoldshipError(
            f"{path}: cannot be compared",
            expected="each id once, and numbers",
            found="ids that are repeated" if frame.index.has_duplicates else _first_bad(cells, frame),
            fix="look into the file; rehearse with `make simulate`, or push again",
        )
    return frame


def _first_bad(cells: pd.DataFrame, numbers: pd.DataFrame) -> str:
    row, place = (int(found) for found in np.argwhere(numbers.isna().to_numpy())[0])
    column = str(numbers.columns[place]).partition("[")[0]
    cell = cells[column].iloc[row]
    what = repr(cell) if isinstance(cell, str) else "an empty cell"
    return f"{what} in column {column}, {numbers.index.name} {numbers.index[row]}"
