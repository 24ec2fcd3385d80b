"""The submission has exactly the wanted ids, in their order, character for character."""

from __future__ import annotations

from foldship.rehearsal.evidence import Evidence, Finding

NAME = "ids"
SHOWN = 5
REMEDY = "read ids as text, and write them as they came, in the order of the INPUT's sample_submission.csv"


def check(run: Evidence) -> Finding:
    name = str(run.template.columns[0])
    if run.submission is None or name not in run.submission.columns:
        return Finding(NAME, None, "no ids to look at", "see 'submission present' and 'columns'")
    wanted, found = _wanted(run, name), list(run.submission[name])
    if wanted == found:
        return Finding(NAME, True, f"all {len(wanted):,}, in order")
    missing, extra = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    parts = [f"{len(found):,} ids for {len(wanted):,}"] * (len(found) != len(wanted))
    for what, names in (("missing", missing), ("not wanted", extra)):
        if names:
            parts.append(f"{len(names)} {what} ({', '.join(names[:SHOWN])})")
    return Finding(NAME, False, "; ".join(parts) or "another order", REMEDY)


def _wanted(run: Evidence, name: str) -> list[str]:
    """The sample's ids; where the test file has more, those, spelt as in the sample as far as it goes."""
    known = list(run.template[name])
    own = [] if run.sample is None else run.sample.column(name)
    if len(own) >= len(known):
        return own
    return known if set(own) <= set(known) else [*own, *(value for value in known if value not in set(own))]
