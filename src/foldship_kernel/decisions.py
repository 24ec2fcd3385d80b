"""Decisions that a metric makes of numbers before it compares them, and how a decided value is spelt.

The metric ashore and the submission aboard decide by this one code, so what was scored is what is submitted.
Spellings are those of the training file; they travel in `bundle.json`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

HALF = 0.5
SIDE, WHOLE = "side", "whole"  # 1 above a half, else 0; the nearest whole number
_WORDS = {"true": 1.0, "false": 0.0}


def decide(rule: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The decided values of some numbers, of any shape, float64; with the rule "" they stay as they are."""
    if rule == SIDE:
        return np.where(values > HALF, 1.0, 0.0)
    if rule == WHOLE:
        return np.floor(values + HALF)  # half goes up
    return values


def parse(cells: pd.Series) -> pd.Series:
    """Text cells as float64, `True` and `False` in any case as 1 and 0; NaN where a cell holds no number."""
    found = pd.to_numeric(cells, errors="coerce").astype("float64")
    if found.isna().any():
        words = cells.map(lambda cell: _WORDS.get(cell.strip().lower()) if isinstance(cell, str) else None)
        found = found.fillna(pd.to_numeric(words, errors="coerce").astype("float64"))
    return found


def spellings(rule: str, cells: Iterable[str], values: NDArray[np.float64]) -> dict[str, str]:
    """How a column spells each value that is decided: the commonest spelling, the first of equals.

    Args:
        rule: how values are decided.
        cells: (n,) the column's texts.
        values: (n,) their numbers.

    Returns:
        By the decided value, as `key` names it.
    """
    counted: dict[str, Counter[str]] = {}
    for cell, value in zip(cells, decide(rule, values), strict=True):
        counted.setdefault(key(float(value)), Counter())[str(cell).strip()] += 1
    return {name: counts.most_common(1)[0][0] for name, counts in sorted(counted.items())}


def key(value: float) -> str:
    """Name of a decided value: a whole number without a point."""
    return f"{value:g}" if value == value and abs(value) < 1e15 else repr(value)


def spell(rule: str, values: NDArray[np.float64], known: Mapping[str, str]) -> list[str]:
    """Texts of some values, decided and spelt; a value that no training row has is written as a number.

    Args:
        rule: how they are decided.
        values: (n,).
        known: spellings by `key`.
    """
    return [known.get(name, name) for name in map(key, decide(rule, values).tolist())]
