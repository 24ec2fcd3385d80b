"""The competition's own sample is a table, of the very columns that competition.yaml declares."""

from __future__ import annotations

from foldship.rehearsal.evidence import NO_SAMPLE, Evidence, Finding
from foldship_kernel.errors import listed

NAME = "sample as declared"


def check(run: Evidence) -> Finding:
    if run.sample is None:
        return Finding(NAME, True, NO_SAMPLE)
    if run.sample.problem:
        return Finding(
            NAME,
            False,
            f"{run.task.template}: {run.sample.problem}",
            "download the competition's sample again, or name the right file under files.sample",
        )
    declared = [run.task.id, *run.task.submission]
    others = [name for name in run.sample.header if name not in declared]
    missing = [name for name in declared if name not in run.sample.header]
    if others:
        return Finding(
            NAME,
            False,
            f"columns that competition.yaml does not declare: {listed(others)}",
            "declare under targets and submission what they hold, then train and bundle again",
        )
    if missing:
        return Finding(
            NAME,
            False,
            f"columns that competition.yaml declares and the sample lacks: {listed(missing)}",
            "correct submission in competition.yaml, or name the right file under files.sample",
        )
    return Finding(NAME, True, f"all {len(declared)} columns")
