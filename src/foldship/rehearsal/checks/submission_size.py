"""The submission is no larger than numbers need to be."""

from __future__ import annotations

from foldship.rehearsal.evidence import Evidence, Finding
from foldship_kernel.tasks.layout import PROBABILITIES

NAME = "submission size"
BYTES_PER_CELL = 64  # a number needs 17 digits at most, an id is rarely longer than this


def check(run: Evidence) -> Finding:
    if run.submission_path is None:
        return Finding(NAME, None, "no submission to look at", "see 'submission present'")
    size = run.submission_path.stat().st_size
    held = run.task.cells
    lists = [held.holds(name) for name in held.layout].count(PROBABILITIES)
    cells = len(run.template.columns) + lists * (len(run.task.targets) - 1)  # a list holds one for each class
    most = BYTES_PER_CELL * cells * (len(run.template) + 1)
    if size == 0 or size > most:
        return Finding(
            NAME,
            False,
            f"{size:,} bytes, where {most:,} are ample",
            "write numbers and ids only, without texts of the test rows",
        )
    return Finding(NAME, True, f"{size:,} bytes")
