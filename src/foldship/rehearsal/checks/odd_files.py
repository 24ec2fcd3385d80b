"""The competition's files were as they should be; what the kernel mended of them is a warning."""

from __future__ import annotations

from collections.abc import Mapping

from foldship.rehearsal.evidence import Evidence, Finding

NAME = "files as they should be"
SHOWN = 6
REMEDY = (
    "look at the INPUT's files: the kernel copes, but if they are the competition's own, training should know"
)


def check(run: Evidence) -> Finding:
    if not run.summary:
        return Finding(NAME, None, "the kernel left no account of them", "see 'exit status'")
    mended = [one for one in run.summary.get("mended") or () if isinstance(one, Mapping)]
    if not mended:
        return Finding(NAME, True, "nothing had to be mended")
    told = [f"{one.get('what')} ({one.get('count')}, the first: {one.get('first')})" for one in mended]
    more = f"; and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
    return Finding(NAME, True, "; ".join(told[:SHOWN]) + more, REMEDY, warned=True)
