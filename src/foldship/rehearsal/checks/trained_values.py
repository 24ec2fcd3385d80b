"""Where the metric decides, the submission holds values of the training file alone, as spelt there."""

from __future__ import annotations

from foldship.rehearsal.evidence import Evidence, Finding
from foldship_kernel.errors import listed

NAME = "values of the training file"


def check(run: Evidence) -> Finding:
    if not run.task.decision:
        return Finding(NAME, None, "the metric takes numbers as they are, or classes, see 'classes'")
    if run.submission is None:
        return Finding(NAME, None, "no submission to look at", "see 'submission present'")
    faults, count = [], 0
    for column, target in run.task.submission.items():
        known = set(run.task.spellings.get(target, {}).values())
        if not known or column not in run.submission:
            continue
        count += 1
        strange = sorted(set(run.submission[column]) - known)
        if strange:
            faults.append(f"{column} holds {listed(strange)}; training has {listed(sorted(known))}")
    if faults:
        return Finding(NAME, False, "; ".join(faults), "bundle again: the values travel in bundle.json")
    if not count:
        return Finding(NAME, False, "the bundle does not know the training values", "bundle again")
    return Finding(NAME, True, f"{count} columns hold nothing else")
