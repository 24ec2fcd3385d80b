"""Numbers are written so that every scorer reads them: digits, one point, at most an exponent."""

from __future__ import annotations

import re

from foldship.rehearsal.evidence import Evidence, Finding
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
        for number, cell in enumerate(run.submission[name], start=1):
            if cell not in known and not _PLAIN.fullmatch(cell):
                return Finding(
                    NAME,
                    False,
                    f"row {number}, {name}: {cell!r}",
                    "write digits with a point, without blanks, separators of thousands, NaN or infinity",
                )
    return Finding(NAME, True, f"{len(looked)} columns of numbers")
