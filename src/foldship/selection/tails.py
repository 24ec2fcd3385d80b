"""Clipping by rank: the same bounds as `clipping`, as shares of the rows.

For predictions whose range may shift between what was fitted and what is submitted.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from foldship.selection import clipping
from foldship.selection.clipping import Column, Score


def fit(truth: Column, prediction: Column, score: Score | None = None) -> dict[str, Any] | None:
    """The shares of rows that `clipping.fit` ties at either end; arguments and result as there."""
    step = clipping.fit(truth, prediction, score)
    if step is None:
        return None
    low = 0.0 if step["low"] is None else float(np.mean(prediction <= step["low"]))
    high = 0.0 if step["high"] is None else float(np.mean(prediction >= step["high"]))
    return {"kind": "tails", "low": low, "high": high} if low + high < 1 else None
