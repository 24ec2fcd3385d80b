"""The kernel is done before its limit."""

from __future__ import annotations

from foldship.rehearsal.evidence import Evidence, Finding

NAME = "time limit"
REMEDY = "give more time, or ship fewer folds or smaller models; look at the phases for what takes long"


def check(run: Evidence) -> Finding:
    seconds = None if run.status is None else float(run.status["seconds"])
    if run.status is None or seconds is None:
        return Finding(NAME, None, "not known: the sandbox broke", "read kernel.log")
    if run.status["stopped"] == "time":
        return Finding(NAME, False, f"stopped at the limit of {run.limit_s:g} s", REMEDY)
    share = seconds / run.limit_s
    return Finding(
        NAME,
        seconds < run.limit_s,
        f"{seconds:.1f} s of {run.limit_s:g} s ({share:.0%}), {run.limit_s - seconds:.1f} s to spare",
        "" if seconds < run.limit_s else REMEDY,
    )
