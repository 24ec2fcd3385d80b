"""Every prediction is a finite number."""

from __future__ import annotations

import numpy as np

from foldship.rehearsal.evidence import Evidence, Finding, no_numbers

NAME = "finite"


def check(run: Evidence) -> Finding:
    numbers = run.numbers()
    if numbers.empty:
        return no_numbers(NAME)
    wrong = ~np.isfinite(numbers.to_numpy())
    if not wrong.any():
        return Finding(NAME, True, f"all {wrong.size:,}")
    row, column = (int(place) for place in np.argwhere(wrong)[0])
    name = str(numbers.columns[column])
    cell = "" if run.submission is None else run.submission[name.partition("[")[0]].iloc[row]
    return Finding(
        NAME,
        False,
        f"{int(wrong.sum()):,} cells are not, the first in row {row + 1}, {name}: '{cell}'",
        "find where NaN or infinity first appears: half precision that overflows, or an empty row",
    )
