"""The GPU hours that are left this week cover the run."""

from __future__ import annotations

from foldship.doctor.evidence import Evidence
from foldship.doctor.finding import Finding, Tally, UnaskedError
from foldship.doctor.rules import run_time

NAME = "GPU quota"
WAIT = "wait for the weekly reset (`kaggle quota` shows it), or set accelerator: cpu in kernel.yaml"


def check(push: Evidence) -> Finding:
    if push.bundle.accelerator != "gpu":
        raise UnaskedError("the kernel needs no GPU")
    _ = push.account.connection
    quota = push.account.quota
    if quota is None:
        raise UnaskedError("Kaggle does not tell")
    tally = Tally(NAME)
    outlook = run_time.projection(push)
    needed = push.bundle.limit_s if outlook is None else float(outlook["seconds"])
    left = f"{quota.left_h:.1f} of {quota.total_h:.1f} hours are left"
    if quota.left_h * 3600 < needed:
        tally.fail(f"{left}, the run takes {needed / 3600:.1f}", WAIT)
    elif quota.left_h * 3600 < push.bundle.limit_s:
        tally.warn(f"{left}, a run up to its limit would take {push.bundle.limit_s / 3600:.1f}", WAIT)
    tally.well(f"{left}, the run takes {needed / 3600:.1f}")
    return tally.finding()
