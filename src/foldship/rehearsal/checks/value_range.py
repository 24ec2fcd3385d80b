"""Every prediction lies in the competition's range."""

from __future__ import annotations

from foldship.rehearsal.evidence import Evidence, Finding, no_numbers

NAME = "range"


def check(run: Evidence) -> Finding:
    numbers = run.numbers()
    if numbers.empty:
        return no_numbers(NAME)
    low, high = run.task.low, run.task.high
    wanted = f"[{low:g}, {high:g}]"
    outside = (numbers < low) | (numbers > high)
    columns = list(numbers.columns[outside.any()])
    if columns:
        value = numbers[columns[0]][outside[columns[0]]].iloc[0]
        count = int(outside.to_numpy().sum())
        return Finding(
            NAME,
            False,
            f"{count:,} values outside {wanted}, such as {value:g} in {columns[0]}",
            "look at the last activation and at post-processing; clip at the very end",
        )
    return Finding(NAME, True, f"{numbers.min().min():.4g} to {numbers.max().max():.4g}, within {wanted}")
