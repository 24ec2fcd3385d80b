"""The kinds of post-processing that can be fitted, by the names that settings give them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from foldship.selection import clipping, curve, rounding, tails, thresholds
from foldship.selection.clipping import Column, Score

Fitter = Callable[[Column, Column, Score | None], dict[str, Any] | None]


def _curve(truth: Column, prediction: Column, _score: Score | None = None) -> dict[str, Any] | None:
    return curve.fit(truth, prediction)


FITTERS: dict[str, Fitter] = {
    "clip": clipping.fit,
    "tails": tails.fit,
    "floor": rounding.parted("floor"),
    "round": rounding.parted("round"),
    "grid": rounding.grid,
    "levels": rounding.frequencies,
    "thresholds": thresholds.fit,
    "curve": _curve,
}


def fitters(kinds: Sequence[str]) -> dict[str, Fitter]:
    """The fits of these kinds, in their order."""
    return {kind: FITTERS[kind] for kind in kinds}
