"""The submission has exactly the sample's columns, in their order."""

from __future__ import annotations

from foldship.rehearsal.evidence import Evidence, Finding

NAME = "columns"


def check(run: Evidence) -> Finding:
    if run.submission is None:
        return Finding(NAME, None, "no submission to look at", "see 'submission present'")
    own = run.sample.header if run.sample is not None else ()
    wanted, found = list(own or run.template.columns), list(run.submission.columns)
    if wanted == found:
        return Finding(NAME, True, f"all {len(wanted)}, in order")
    missing = [name for name in wanted if name not in found]
    extra = [name for name in found if name not in wanted]
    seen = "; ".join(
        [f"missing: {', '.join(missing)}"] * bool(missing) + [f"not wanted: {', '.join(extra)}"] * bool(extra)
    )
    return Finding(
        NAME, False, seen or "another order", "write the columns of sample_submission.csv, and no index"
    )
