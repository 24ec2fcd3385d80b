"""The best clipping of one column, found among all pairs of bounds at once.

Many targets hold few levels, most of them at one end. Clipping ties the rows that a model ranks at random
there, and Spearman's correlation gains.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldship.selection import curve
from foldship.selection.ranks import Ranked

Column = NDArray[np.float64]
Score = Callable[[Column, Column], float]

# Low bounds are sought at these quantiles of the predictions and further out, as far as the share of rows
# that are not at the truth's lowest level calls for (`reach`); high bounds at their mirror images.
QUANTILES = np.arange(2, 95, 2) / 100
FURTHER = 1 - np.geomspace(0.06, 0.006, 16)[1:]
# Rows left apart at the least, for each row that is not at the level of those tied: bounds further out are
# luck even on a smooth curve, and Spearman's correlation punishes a level missed more than a row too many.
APART = 4
DEGREE = 4
PERFECT = 1 - 1e-9


def fit(truth: Column, prediction: Column, score: Score | None = None) -> dict[str, Any] | None:
    """The clipping that raises Spearman's correlation most for a smooth curve through these rows.

    On the mean of five real QUEST models' out-of-fold predictions such bounds scored higher, on rows they
    were not fitted on, than those that are best for the rows themselves; on single models about the same.

    Args:
        truth: (n,) float64.
        prediction: (n,) float64.
        score: another metric of truth and prediction, higher is better; the bounds are then those that are
            best on these rows, first the low and then the high one.

    Returns:
        A post-processing step without its target; None when it is not expected to raise the score.
    """
    if not len(truth):
        return None
    if score is not None:
        return _search(truth, prediction, score)
    column = Ranked.of(truth, prediction)
    if column.is_constant:
        return None
    smooth = column.expecting(curve.expected(column, DEGREE))
    low, high = _best(*surface(smooth, *bounds(column, truth)))
    # Whether it raises the score of these very rows is luck where few of them tell; held-out rows decide.
    gains = smooth.tied(np.clip(column.value, low, high)) > smooth.raw
    return _step(low, high) if gains and column.raw < PERFECT else None


def bounds(column: Ranked, truth: Column) -> tuple[Column, Column]:
    """Candidates: low bounds (A,) from -inf upwards and high ones (B,) from +inf downwards."""
    lows = column.quantiles(reach(float(np.mean(truth > truth.min()))))
    highs = column.quantiles(1 - reach(float(np.mean(truth < truth.max()))))
    return np.concatenate([[-np.inf], lows]), np.concatenate([[np.inf], highs[::-1]])


def reach(other: float) -> Column:
    """Shares of rows that may be tied at one end, where a share `other` of the truth is not at its level."""
    return np.concatenate([QUANTILES, FURTHER[APART * other <= 1 - FURTHER]])


def surface(column: Ranked, lows: Column, highs: Column) -> tuple[Column, Column, NDArray[np.float64]]:
    """Spearman's correlation of the truth with the prediction clipped at every pair of bounds.

    Clipping changes ranks at the two ends only: the a lowest rows share one rank, the b highest another, so
    the whole table costs a few operations on a (low, high) grid.

    Args:
        column: n at least 1.
        lows, highs: candidates as `bounds` gives them.

    Returns:
        Both bounds as given, and correlations (A, B), -inf where bounds cross or leave the column constant.
    """
    count, value = len(column.value), column.value
    ends = np.searchsorted(value, lows, side="right")  # rows before this one are tied at the low bound
    starts = np.searchsorted(value, highs, side="left")  # and from this one on, at the high bound
    low_rank, high_rank = (ends - count) / 2, starts / 2  # mean rank of those tied, less (count + 1) / 2
    of_target, of_product, of_square = column.sums
    product = (low_rank * of_target[ends] - of_product[ends])[:, None] + (
        of_product[starts] - high_rank * of_target[starts]  # the targets of all rows sum to 0
    )
    square = (low_rank**2 * ends - of_square[ends])[:, None] + (
        of_square[starts] + high_rank**2 * (count - starts)
    )
    scale = np.sqrt(np.maximum(square, 0.0) * (column.target @ column.target))  # below 0 where bounds cross
    scores = np.full(product.shape, -np.inf)
    np.divide(product, scale, out=scores, where=(lows[:, None] < highs) & (scale > 0))
    return lows, highs, scores


def _best(lows: Column, highs: Column, scores: NDArray[np.float64]) -> tuple[float, float]:
    row, column = np.unravel_index(scores.argmax(), scores.shape)
    return float(lows[row]), float(highs[column])


def _search(truth: Column, prediction: Column, score: Score) -> dict[str, Any] | None:
    candidates = np.unique(np.quantile(prediction, QUANTILES, method="inverted_cdf"))
    low, high, best = -np.inf, np.inf, score(truth, prediction)
    raw = best
    for bound in candidates:
        if (found := score(truth, np.clip(prediction, bound, high))) > best:
            low, best = float(bound), found
    for bound in candidates[candidates > low]:
        if (found := score(truth, np.clip(prediction, low, bound))) > best:
            high, best = float(bound), found
    return _step(low, high) if best > raw else None


def _step(low: float, high: float) -> dict[str, Any] | None:
    if not (np.isfinite(low) or np.isfinite(high)):
        return None
    return {
        "kind": "clip",
        "low": low if np.isfinite(low) else None,
        "high": high if np.isfinite(high) else None,
    }
