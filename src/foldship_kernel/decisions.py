"""Decisions that a metric makes of numbers before it compares them, and how a decided value is spelt.

The metric ashore, the steps that are fitted for it, and the submission aboard decide by this one code, so
what was scored is what is submitted. Spellings are those of the training file; they travel in `bundle.json`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

HALF = 0.5
SIDE, WHOLE = "side", "whole"  # 1 above a half, else 0; the nearest whole number
_WORDS = {"true": 1.0, "false": 0.0}


def decide(
    rule: str, values: NDArray[np.float64], levels: Sequence[float] | None = None
) -> NDArray[np.float64]:
    """The decided values of some numbers.

    Args:
        rule: how they are decided; with "" they stay as they are.
        values: finite, of any shape.
        levels: the only values there are, each decided already, ascending; None for any.

    Returns:
        float64 of the same shape.
    """
    if not rule:
        return values
    if levels is None:
        # Half goes up for whole numbers; a half itself is not above it.
        return np.where(values > HALF, 1.0, 0.0) if rule == SIDE else np.floor(values + HALF)
    return np.asarray(levels, dtype=np.float64)[np.searchsorted(bounds(rule, levels), values, side="right")]


def bounds(rule: str, levels: Sequence[float]) -> NDArray[np.float64]:
    """Where a rule parts ascending values from one another: one number less; what lies at one is above it."""
    known = np.asarray(levels, dtype=np.float64)
    if rule == SIDE:
        return np.full(len(known) - 1, np.nextafter(HALF, np.inf))
    return np.asarray((known[1:] + known[:-1]) / 2)


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
        By the decided value, as `key` names it, ascending.
    """
    counted: dict[float, Counter[str]] = {}
    for cell, value in zip(cells, decide(rule, values).tolist(), strict=True):
        counted.setdefault(value, Counter())[str(cell).strip()] += 1
    return {key(value): counts.most_common(1)[0][0] for value, counts in sorted(counted.items())}


def key(value: float) -> str:
    """Name of a decided value, which is a whole number."""
    return str(int(value))


def spell(rule: str, values: NDArray[np.float64], known: Mapping[str, str]) -> list[str]:
    """Texts of some values, decided and spelt.

    Args:
        rule: how they are decided.
        values: (n,), finite.
        known: spellings by `key`, the only values there are; empty for any, written as whole numbers.
    """
    decided = decide(rule, values, sorted(map(float, known)) or None)
    return [known.get(name, name) for name in map(key, decided.tolist())]
