"""Where a submission names classes, they are the competition's, and go with the probabilities beside them."""

from __future__ import annotations

import numpy as np

from foldship.rehearsal.evidence import Evidence, Finding
from foldship_kernel.errors import listed
from foldship_kernel.tasks.layout import CLASS, PROBABILITIES

NAME = "classes"
TOLERANCE = 1e-3  # of a sum of rounded probabilities, and of two that are as good as equal


def check(run: Evidence) -> Finding:
    cells = run.task.cells
    targets, labels = list(cells.targets), cells.labels
    named = next((column for column in cells.layout if cells.holds(column) == CLASS), None)
    listing = next((column for column in cells.layout if cells.holds(column) == PROBABILITIES), None)
    if named is None and listing is None:
        return Finding(NAME, None, "this competition's submission names none")
    if run.submission is None or not {named, listing} - {None} <= set(run.submission.columns):
        return Finding(NAME, None, "no classes to look at", "see 'submission present' and 'columns'")
    faults = []
    if named is not None:
        strange = sorted(set(run.submission[named]) - set(labels))
        if strange:
            faults.append(f"{named} holds {listed(strange)}, which the competition does not have")
    if listing is not None:
        table = run.numbers()[[f"{listing}[{name}]" for name in targets]].to_numpy()
        off = int((~(np.abs(table.sum(axis=1) - 1) <= TOLERANCE)).sum())
        if off:
            faults.append(f"{listing} does not sum to 1 in {off:,} rows")
        elif named is not None and not faults:
            own = table[np.arange(len(table)), [labels.index(name) for name in run.submission[named]]]
            less = int((own < table.max(axis=1) - TOLERANCE).sum())
            if less:
                faults.append(f"{named} is not the likeliest class of {listing} in {less:,} rows")
    if faults:
        return Finding(NAME, False, "; ".join(faults), "see what post-processing does to the probabilities")
    count = len(targets) if named is None else run.submission[named].nunique()
    return Finding(NAME, True, f"{count} of {len(targets)} classes named")
