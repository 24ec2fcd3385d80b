"""The limit is one that the platform runs, and the rehearsal promises an end before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foldship.doctor.evidence import Evidence
from foldship.doctor.finding import Finding, Tally, UnaskedError
from foldship.images.machines import LONGEST_S

NAME = "run time"
LOWER = "set limit_s in kernel.yaml to the competition's own limit, and run `make bundle` again"
SHED = "ship fewer folds or smaller models, or rehearse for the competition's rows: `make simulate ROWS=...`"


def check(push: Evidence) -> Finding:
    tally = Tally(NAME)
    limit = push.bundle.limit_s
    if limit > LONGEST_S:  # below that, only the competition's rules tell how long a run may take
        tally.warn(f"limit_s is {limit:g}; the platform ends any run after {LONGEST_S:g} s", LOWER)
    tally.well(f"limit {limit:g} s")
    _outlook(tally, push, limit)
    return tally.finding()


def projection(push: Evidence) -> Mapping[str, Any] | None:
    """What the rehearsal promises for Kaggle's machine; None if nothing."""
    try:
        found = push.verdict.get("projection")
    except UnaskedError:
        return None
    return found if isinstance(found, dict) else None


def _outlook(tally: Tally, push: Evidence, limit: float) -> None:
    found = projection(push)
    if found is None:
        tally.warn("no projection to Kaggle's machine", "run `make simulate ROWS=<rows of the hidden set>`")
        return
    seen = f"{found['rows']:,} rows take about {found['seconds']:,.0f} s on {found['profile']}"
    worst = float(found["seconds_at_worst"])
    if not found["fits_memory"]:
        tally.fail(f"a fold does not fit into the memory of {found['profile']}", "ship a smaller model")
    if found["margin"] < 0:
        tally.fail(f"{seen}, too much for a limit of {limit:g} s: folds would be left out", SHED)
    elif worst > limit:
        tally.warn(f"{seen}, at worst {worst:,.0f} s, more than the limit of {limit:g} s", SHED)
    else:
        tally.well(f"{seen}, margin {found['margin']:.0%}")
