"""The kernel ends by itself, and well."""

from __future__ import annotations

from foldship.rehearsal.evidence import Evidence, Finding

NAME = "exit status"


def check(run: Evidence) -> Finding:
    if run.status is None:
        return Finding(
            NAME,
            False,
            "the sandbox ended before it could report",
            "read kernel.log; free memory or disk space",
        )
    if run.broken:
        return Finding(NAME, False, run.broken, "free disk space, and run it again")
    code, signal = run.status["exit_code"], run.status["signal"]
    if code == 0:
        return Finding(NAME, True, "0")
    seen = f"ended by {signal}" if signal else str(code)
    return Finding(NAME, False, seen, "read the end of kernel.log; Kaggle shows no output of a failed kernel")
