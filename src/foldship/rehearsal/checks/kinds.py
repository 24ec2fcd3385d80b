"""Whole numbers, fractions or texts: each column holds what the competition's own sample shows there."""

from __future__ import annotations

import re
from collections.abc import Sequence

from foldship.rehearsal.evidence import Evidence, Finding, not_a_table

NAME = "kinds of values"
TEXT, WHOLE, FRACTION = "texts", "whole numbers", "fractions"
_WHOLE = re.compile(r"[+-]?\d+")
REMEDY = (
    "declare a metric of decisions (f1, accuracy, qwk), or classes; where the sample's values only fill its "
    "cells, set files.placeholder: true in competition.yaml, and bundle again"
)


def check(run: Evidence) -> Finding:
    refused = not_a_table(run, NAME)
    if refused is not None:
        return refused
    assert run.sample is not None and run.submission is not None
    looked = [
        name
        for name in run.task.submission
        if name in run.sample.header and name in run.submission and name not in run.task.placeholder
    ]
    faults = []
    for name in looked:
        found = list(run.submission[name])
        wanted, own = kind_of(run.sample.column(name)), kind_of(found)
        if wanted and own != wanted and (wanted, own) != (FRACTION, WHOLE):
            other = next((cell for cell in found if kind_of([cell]) != wanted), "")
            faults.append(f"{name} holds {own or 'nothing'} such as {other!r}, where the sample has {wanted}")
    if faults:
        return Finding(NAME, False, "; ".join(faults), REMEDY)
    return Finding(NAME, True, f"{len(looked)} columns hold what the sample's hold")


def kind_of(cells: Sequence[str]) -> str:
    """What cells hold: TEXT, WHOLE, FRACTION, or "" where they hold nothing.

    `0.0` is a fraction, as it is written: a scorer that wants whole numbers shows `0`.
    """
    there = [cell.strip() for cell in cells if cell.strip()]
    if not there:
        return ""
    if all(_WHOLE.fullmatch(cell) for cell in there):
        return WHOLE
    return FRACTION if all(map(_is_number, there)) else TEXT


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell
