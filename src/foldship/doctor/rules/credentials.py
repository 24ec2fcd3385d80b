"""There are credentials, nobody else can read them, and Kaggle takes them."""

from __future__ import annotations

import os
import stat

from foldship.doctor.account import NAME
from foldship.doctor.evidence import Evidence
from foldship.doctor.finding import Finding, Tally

__all__ = ["NAME", "check"]
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def check(push: Evidence) -> Finding:
    found, problem = push.account.credentials, push.account.problem
    tally = Tally(NAME)
    if problem is not None:
        # Without any: where they are looked for.
        details = problem.expected if found is None else problem.found
        seen = ": ".join(filter(None, (problem.what, details)))
        tally.fail(seen if found is None else f"{seen} (from {found.source})", problem.fix)
    if found is not None and found.path is not None and os.name == "posix":
        mode = stat.S_IMODE(found.path.stat().st_mode)
        if mode & OTHERS:
            tally.fail(f"{found.path} is open to others: mode {mode:04o}", f"run `chmod 600 {found.path}`")
    if found is not None and push.account.signed_in is not None:
        tally.well(f"from {found.source}, taken by Kaggle")
    return tally.finding()
