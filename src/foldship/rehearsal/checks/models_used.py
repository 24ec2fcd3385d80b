"""Trained models made the submission, not the fallback, and no fold was lost to damage or forgotten."""

from __future__ import annotations

from foldship.rehearsal.evidence import Evidence, Finding
from foldship_kernel import account, manifest

NAME = "models used"
NO_TIME = "no time"


def check(run: Evidence) -> Finding:
    used, left_out = run.summary.get("folds_used"), run.summary.get("folds_left_out", {})
    if used is None:
        return Finding(
            NAME, False, "the kernel wrote no account of it (foldship.json)", "read the end of kernel.log"
        )
    seen = f"folds used: {len(used)}"
    if left_out:
        seen += f"; left out: {len(left_out)}, " + "; ".join(
            f"{fold}: {why}" for fold, why in left_out.items()
        )
    if cut := run.summary.get("folds_cut"):
        seen += f"; read shorter for want of time: {', '.join(cut)}"
    forgotten = account.missing(run.dataset / manifest.FILE_NAME, run.summary)
    if forgotten:
        seen += f"; neither used nor left out: {', '.join(forgotten)}"
    late = [why for why in left_out.values() if str(why).startswith(NO_TIME)]
    if not used:
        return Finding(
            NAME,
            False,
            f"{seen}: this is the fallback submission",
            "give more time (LIMIT=), or ship fewer folds" if late else "read kernel.log for what went wrong",
        )
    if forgotten or len(late) < len(left_out):
        return Finding(NAME, False, seen, "build the bundle again with `make bundle`; read kernel.log")
    return Finding(NAME, True, seen)
