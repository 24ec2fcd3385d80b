"""Where a submission names classes, they are the competition's, and go with the probabilities beside them."""

from __future__ import annotations

import numpy as np

from foldship.rehearsal.evidence import Evidence, Finding
from foldship_kernel.errors import listed
from foldship_kernel.tasks.layout import CLASS, PROBABILITIES, TOP

NAME = "classes"
TOLERANCE = 1e-3  # of a sum of rounded probabilities, and of two that are as good as equal


def check(run: Evidence) -> Finding:
    cells = run.task.cells
    targets, labels = list(cells.targets), cells.labels
    named = next((column for column in cells.layout if cells.holds(column) in (CLASS, TOP)), None)
    listing = next((column for column in cells.layout if cells.holds(column) == PROBABILITIES), None)
    if named is None and listing is None:
        return Finding(NAME, None, "this competition's submission names none")
    if run.submission is None or not {named, listing} - {None} <= set(run.submission.columns):
        return Finding(NAME, None, "no classes to look at", "see 'submission present' and 'columns'")
    faults = []
    first: list[str] = []
    if named is not None:
        count = cells.count(named) if cells.holds(named) == TOP else None
        parts = [[cell] if count is None else cell.split(" ") for cell in run.submission[named]]
        first = [names[0] for names in parts]
        strange = sorted({name for names in parts for name in names} - set(labels))
        odd = sum(len(set(names)) != (count or 1) or len(names) != len(set(names)) for names in parts)
        if strange:
            faults.append(f"{named} holds {listed(strange)}, which the competition does not have")
        elif odd:
            faults.append(f"{named} does not hold {count} different classes in {odd:,} rows")
    if listing is not None:
        table = run.numbers()[[f"{listing}[{name}]" for name in targets]].to_numpy()
        off = int((~(np.abs(table.sum(axis=1) - 1) <= TOLERANCE)).sum())
        if off:
            faults.append(f"{listing} does not sum to 1 in {off:,} rows")
        elif named is not None and not faults:
            own = table[np.arange(len(table)), [labels.index(name) for name in first]]
            less = int((own < table.max(axis=1) - TOLERANCE).sum())
            if less:
                faults.append(f"{named} is not the likeliest class of {listing} in {less:,} rows")
    if faults:
        return Finding(NAME, False, "; ".join(faults), "see what post-processing does to the probabilities")
    shown = len(targets) if named is None else len(set(first))
    return Finding(NAME, True, f"{shown} of {len(targets)} classes named")
