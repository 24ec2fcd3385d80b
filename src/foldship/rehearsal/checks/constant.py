"""No prediction column is constant: a rank correlation with it does not exist."""

from __future__ import annotations

from foldship.rehearsal.evidence import Evidence, Finding, no_numbers
from foldship_kernel.errors import listed

NAME = "no constant column"


def check(run: Evidence) -> Finding:
    if run.task.rowwise:
        return Finding(NAME, None, "the metric judges each row by itself: a constant column does no harm")
    numbers = run.numbers()
    if numbers.empty:
        return no_numbers(NAME)
    if len(numbers) == 1:
        return Finding(NAME, None, "one row only: nothing to compare")
    levels = numbers.nunique()
    flat = list(levels.index[levels < 2])
    if flat:
        return Finding(
            NAME,
            False,
            f"constant: {listed(flat)}",
            "keep the raw predictions where post-processing levels them",
        )
    return Finding(NAME, True, f"at least {int(levels.min())} values in each")
