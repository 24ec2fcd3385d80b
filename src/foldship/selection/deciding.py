"""Metrics of decisions: each column ends in a step that makes them, so that what is scored is submitted.

The threshold of `f1`, or the bounds between levels of `qwk`, are fitted like any other post-processing, by
`thresholds`; where that does not pay, they are the metric's own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldship.config.selecting import PostProcessing
from foldship.metrics import Score, decision
from foldship_kernel import decisions

FITTED = "thresholds"
CUTS = "cuts"  # what it fits for such a metric

Column = NDArray[np.float64]


def processing(settings: PostProcessing, score: Score) -> PostProcessing:
    """The settings, with `thresholds` among the kinds that are tried where the metric decides."""
    if not decision(score) or FITTED in settings.kinds:
        return settings
    return settings.model_copy(update={"kinds": (*settings.kinds, FITTED)})


def steps(chosen: dict[str, Any] | None, truth: Column, score: Score) -> list[dict[str, Any]]:
    """All steps of one column.

    Args:
        chosen: its post-processing; None for none.
        truth: (n,) the training values, which are what may be submitted.
        score: the metric.

    Returns:
        For a metric of decisions, the last one makes them.
    """
    before = [] if chosen is None else [chosen]
    rule, levels = decision(score), np.unique(truth)
    if not rule or len(levels) < 2:
        return before
    if chosen is not None and chosen["kind"] == CUTS:
        return [{**chosen, "decides": True}]
    bounds = decisions.bounds(rule, levels.tolist())
    return [*before, {"kind": CUTS, "cuts": bounds.tolist(), "levels": levels.tolist(), "decides": True}]
