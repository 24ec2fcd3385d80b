"""Numbers are written so that every scorer reads them: digits, one point, at most an exponent."""

from __future__ import annotations

import re

import numpy as np

from foldship.rehearsal.evidence import Evidence, Finding
from foldship_kernel import decisions
from foldship_kernel.tasks.layout import TARGET

NAME = "plain numbers"
_PLAIN = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")


def check(run: Evidence) -> Finding:
    if run.submission is None:
        return Finding(NAME, False, "no submission to look at", "see 'submission present'")
    cells = run.task.cells
    looked = [name for name in cells.layout if cells.holds(name) == TARGET and name in run.submission]
    for name in looked:
        known = set(run.task.spellings.get(cells.layout[name], {}).values())
        column = run.submission[name]
        finite = np.isfinite(decisions.parse(column).to_numpy())  # of the others 'finite' tells
        for number, cell in enumerate(column, start=1):
            if finite[number - 1] and cell not in known and not _PLAIN.fullmatch(cell):
                return Finding(
                    NAME,
                    False,
                    f"row {number}, {name}: {cell!r}",
                    "write digits with a point, without blanks, separators of thousands or words",
                )
    return Finding(NAME, True, f"{len(looked)} columns of numbers")
