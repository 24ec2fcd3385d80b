"""What stands in the submission is of the kind that stands in the competition's own sample."""

from __future__ import annotations

import numpy as np
import pandas as pd

from foldship.rehearsal.evidence import Evidence, Finding
from foldship_kernel import decisions
from foldship_kernel.errors import listed

NAME = "as the sample"
TEXT, WHOLE, FRACTION = "texts", "whole numbers", "fractions"


def check(run: Evidence) -> Finding:
    if run.task.template is None:
        return Finding(NAME, True, "this competition has no sample")
    if run.submission is None:
        return Finding(NAME, False, "no submission to look at", "see 'submission present'")
    columns = [name for name in run.template.columns[1:] if name in run.submission.columns]
    undeclared = [name for name in columns if name not in run.task.submission]
    if undeclared:
        return Finding(
            NAME,
            False,
            f"the sample has columns that competition.yaml does not declare: {listed(undeclared)}",
            "declare under submission what they hold, train and bundle again",
        )
    faults = [fault for name in columns if (fault := _strange(run, name) or _another_kind(run, name))]
    if faults:
        return Finding(
            NAME,
            False,
            "; ".join(faults),
            "declare a metric of decisions (f1, accuracy, qwk) or classes; where its values only fill the "
            "cells, set files.placeholder: true in competition.yaml",
        )
    return Finding(NAME, True, f"{len(columns)} columns hold what the sample's hold")


def kind_of(cells: pd.Series) -> str:
    """What text cells hold: TEXT, WHOLE, FRACTION, or "" where nothing can be told."""
    there = cells[cells.notna() & (cells != "")]
    if there.empty:
        return ""
    values = decisions.parse(there).to_numpy()
    if np.isnan(values).any():
        return TEXT
    # 0.0 is a fraction as it is written: a scorer that wants whole numbers shows 0.
    return WHOLE if not there.str.contains(r"[.eE]").any() else FRACTION


def _another_kind(run: Evidence, name: str) -> str:
    assert run.submission is not None
    wanted, found = kind_of(run.template[name]), kind_of(run.submission[name])
    fits = found == wanted or not wanted or (wanted == FRACTION and found == WHOLE)
    if fits or run.task.placeholder:
        return ""
    cell = run.submission[name].iloc[0]
    return f"{name} holds {found or 'nothing'}, such as {cell}, where the sample has {wanted}"


def _strange(run: Evidence, name: str) -> str:
    """Decided values that the training column never has."""
    assert run.submission is not None
    known = set(run.task.spellings.get(run.task.submission[name], {}).values())
    if not run.task.decision or not known:
        return ""
    strange = sorted(set(run.submission[name]) - known)
    if not strange:
        return ""
    return f"{name} holds {listed(strange)}, which the training file never does ({listed(sorted(known))})"
