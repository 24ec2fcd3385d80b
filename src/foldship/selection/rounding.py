"""Steps that take predictions to levels: floor, rounding, the training levels, their training frequencies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from foldship.selection.clipping import Column, Score
from foldship.selection.ranks import Ranked
from foldship_kernel.steps import KINDS

PARTS = np.unique(np.round(np.geomspace(2, 200, 40))).astype(int).tolist()
MOST_LEVELS = 64  # a column with more is no rating
Fit = Callable[[Column, Column, Score | None], dict[str, Any] | None]


def parted(kind: str) -> Fit:
    """The fit of `floor` or `round`: the number of parts among `PARTS` that is best on these rows.

    The fit takes truth and prediction (n,) and a score, Spearman's correlation if None, and returns a step
    without its target, or None where no number of parts raises the score.
    """

    def fit(truth: Column, prediction: Column, score: Score | None = None) -> dict[str, Any] | None:
        if not len(truth):
            return None
        candidates = [{"kind": kind, "parts": parts} for parts in PARTS]
        apply = KINDS[kind]
        if score is None:
            column = Ranked.of(truth, prediction)
            raw, scores = column.raw, [column.tied(apply(column.value, step)) for step in candidates]
        else:
            raw, scores = (
                score(truth, prediction),
                [score(truth, apply(prediction, step)) for step in candidates],
            )
        best = int(np.argmax(scores))
        return candidates[best] if scores[best] > raw else None

    return fit


def grid(truth: Column, _prediction: Column, _score: Score | None = None) -> dict[str, Any] | None:
    """The nearest training level. Nothing is tuned; None for fewer than two levels or too many."""
    levels = np.unique(truth)
    return {"kind": "grid", "levels": levels.tolist()} if 2 <= len(levels) <= MOST_LEVELS else None


def frequencies(truth: Column, _prediction: Column, _score: Score | None = None) -> dict[str, Any] | None:
    """As many rows at each level as in training. Nothing is tuned; None as for `grid`."""
    levels, counts = np.unique(truth, return_counts=True)
    if not 2 <= len(levels) <= MOST_LEVELS:
        return None
    return {"kind": "levels", "levels": levels.tolist(), "shares": (counts / counts.sum()).tolist()}
