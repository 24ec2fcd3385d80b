"""On the machine that will score it, the kernel has time to spare."""

from __future__ import annotations

from foldship.rehearsal.evidence import Evidence, Finding

NAME = "margin"
NO_PROJECTION = "bundle again with `make bundle`, and read kernel.log if no fold ran"
REMEDY = (
    "ship fewer folds or smaller models, cut max_tokens, or set a higher limit_s where the competition has "
    "one; MARGIN= asks for another margin"
)


def check(run: Evidence) -> Finding:
    outlook = run.outlook
    if outlook is None:
        return Finding(NAME, None, "not projected to another machine")
    projection = outlook.projection
    if projection is None:
        seen = f"no projection: {outlook.problem}"
        return Finding(NAME, False if outlook.asked else None, seen, NO_PROJECTION)
    if not projection["fits_memory"]:
        seen = f"the weights of a fold do not fit into the memory of {projection['profile']}"
        return Finding(NAME, False, seen, "ship a smaller model")
    margin, profile = float(projection["margin"]), projection["profile"]
    enough = margin >= outlook.least_margin
    seen = (
        f"{margin:.0%} of {projection['limit_s']:g} s on {profile}, for {projection['rows']:,} rows; wanted "
        f"{outlook.least_margin:.0%}"
    )
    return Finding(NAME, enough, seen, "" if enough else REMEDY)
