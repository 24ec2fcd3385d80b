"""Two submissions of one bundle for the same rows: whether they are the same, but for rounding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from foldship_kernel.errors import FoldshipError

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
        correlations: Spearman's rank correlation by target; columns that are constant in both are left out.
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


def compare(one: Path, other: Path, id_column: str, targets: Sequence[str], span: float) -> Comparison:
    """Compare two submissions; the order of rows does not matter.

    Args:
        one, other: CSV files.
        id_column: names the rows.
        targets: columns of predictions.
        span: highest minus lowest possible prediction.

    Raises:
        FoldshipError: a file cannot be read, or they are not for the same rows and columns.
    """
    first, second = (_read(path, id_column, targets) for path in (one, other))
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
    ranks = [pd.DataFrame(side, columns=list(targets)).rank() for side in (left, right)]
    correlations = {}
    for name in targets:
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


def _read(path: Path, id_column: str, targets: Sequence[str]) -> pd.DataFrame:
    try:
        frame = pd.read_csv(path, dtype={id_column: str})
        frame = frame.set_index(id_column)[list(targets)].astype(np.float64)
    except (OSError, ValueError, KeyError) as error:
        raise FoldshipError(
            f"{path}: cannot be compared",
            expected=f"columns {id_column} and {len(targets)} targets with numbers",
            found=str(error),
            fix="look into the file; rehearse with `make simulate`, or push again",
        ) from error
    if frame.index.has_duplicates or frame.isna().any(axis=None):
        raise FoldshipError(
            f"{path}: cannot be compared",
            expected="each id once, and numbers",
            found="ids that are repeated" if frame.index.has_duplicates else "empty cells",
            fix="look into the file; rehearse with `make simulate`, or push again",
        )
    return frame
