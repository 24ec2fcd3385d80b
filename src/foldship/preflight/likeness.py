"""What models read: whether the test file has in it what the training file has."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from foldship.competitions.base import Competition
from foldship.preflight.answers import Finding, note
from foldship.preflight.files import Table
from foldship_kernel.errors import DataError


def compare(competition: Competition, test: Table, train: pd.DataFrame | None) -> Iterator[Finding]:
    """Columns that are empty throughout, and rows of which nothing can be made."""
    task = competition.task
    for name in task.columns:
        if name not in test.rows.columns or test.rows[name].notna().any():
            continue
        if train is not None and name in train.columns and train[name].notna().any():
            filled = float(train[name].notna().mean())
            yield note(
                f"{test.path}: column {name!r} is empty in all {len(test.rows)} rows",
                found=f"in {competition.declared.files.train} {filled:.0%} of the rows have it",
                fix="models that learn from it will miss it: take it out of competition.yaml, or look "
                "whether the hidden test file has it",
            )
    try:
        task.prepare(test.rows, strict=True)
    except DataError as error:
        yield note(
            f"{test.path}: {error.what}",
            expected=error.expected,
            found=error.found,
            fix="the kernel reads as much of such a row as it can",
        )
