"""The kinds of post-processing: each is one function from a column (n,) float64 and its step to a column;
those of classes, from their table (n, C).

A step's numbers are plain JSON. All kinds but `curve` keep the order of the rows and only tie some of them,
rows that are equal stay equal, and the order in which rows stand does not count. `tails` and `levels` go by
rank among the rows at hand, the others by value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax

Column = NDArray[np.float64]
Step = Mapping[str, Any]

# At least one row in so many must stay away from its column's commonest value: a column with fewer tells next
# to nothing, and is a row or two from being constant, for which Spearman's correlation is not defined.
ROWS_PER_OTHER = 200
SMALLEST = 1e-12  # probability below which none is told apart
ROUNDING = 1e-6  # a prediction that is a multiple but for single precision counts as one


def needed(rows: int) -> int:
    """How many of so many rows must stay away from the commonest value."""
    return max(1, math.ceil(rows / ROWS_PER_OTHER))


def clip(column: Column, step: Step) -> Column:
    """Clip: numbers `low` and `high`, low < high; either may be null for no bound."""
    low = -np.inf if step["low"] is None else float(step["low"])
    high = np.inf if step["high"] is None else float(step["high"])
    if not low < high:
        raise ValueError(f"low {low} is not below high {high}")
    return np.clip(column, low, high)


def tails(column: Column, step: Step) -> Column:
    """Tie ends by rank: `low` and `high`, shares of the rows, each at least 0 and together below 1."""
    low, high = float(step["low"]), float(step["high"])
    if not (low >= 0 and high >= 0 and low + high < 1):
        raise ValueError(f"shares {low} and {high} are below 0 or leave nothing between them")
    rows, value = len(column), np.sort(column)
    most = max(rows - needed(rows), 0)  # so that the guard never has to take the step back
    lowest, highest = (min(round(share * rows), most) for share in (low, high))
    bottom = value[lowest - 1] if lowest else -np.inf
    top = value[rows - highest] if highest else np.inf
    return np.clip(column, bottom, top) if bottom < top else column


def floor(column: Column, step: Step) -> Column:
    """Floor to multiples of a part: number `parts` above 0."""
    parts = _above_zero(step["parts"])
    return np.asarray(np.floor((column + ROUNDING) * parts) / parts)


def nearest(column: Column, step: Step) -> Column:
    """Round to multiples of a part: number `parts` above 0."""
    parts = _above_zero(step["parts"])
    return np.asarray(np.floor((column + ROUNDING) * parts + 0.5) / parts)


def grid(column: Column, step: Step) -> Column:
    """Go to the nearest level, the lower one halfway: ascending `levels`, two or more."""
    levels = _ascending(step["levels"], fewest=2)
    halfway = (levels[1:] + levels[:-1]) / 2
    return levels[np.searchsorted(halfway, column, side="left")]


def match(column: Column, step: Step) -> Column:
    """Share out levels as in training: ascending `levels`, and as many `shares` of at least 0 that sum to 1.

    Sorted rows get the levels from the lowest up, level k ending at row round(n * sum of shares up to k).
    Rows that are equal get the level of the one in their middle.
    """
    levels, shares = _ascending(step["levels"], fewest=2), np.asarray(step["shares"], dtype=np.float64)
    if shares.shape != levels.shape or not (shares >= 0).all() or not math.isclose(shares.sum(), 1.0):
        raise ValueError(f"{len(shares)} shares with sum {shares.sum()} for {len(levels)} levels")
    if not len(column):
        return column
    ends = np.floor(np.cumsum(shares)[:-1] * len(column) + 0.5 + ROUNDING)
    _, place, count = np.unique(column, return_inverse=True, return_counts=True)
    last = np.cumsum(count) - 1
    middle = last - count // 2
    return levels[np.searchsorted(ends, middle, side="right")][place]


def thresholds(column: Column, step: Step) -> Column:
    """Tie the rows of each group: `groups`, pairs [from, below] that ascend; null at the two outer ends."""
    pairs = [
        (-np.inf if low is None else float(low), np.inf if high is None else float(high))
        for low, high in step["groups"]
    ]
    bounds = [bound for pair in pairs for bound in pair]
    if not (np.diff(bounds) >= 0).all() or any(not low < high for low, high in pairs):
        raise ValueError(f"groups {pairs} do not ascend")
    if (-np.inf, np.inf) in pairs:
        raise ValueError("one group holds every row")
    result = column.copy()
    for low, high in pairs:
        inside = (column >= low) & (column < high)
        result[inside] = low if np.isfinite(low) else np.nextafter(high, -np.inf)
    return result


def cuts(column: Column, step: Step) -> Column:
    """Cut into levels: ascending `cuts`, and one more ascending `levels`; a row at a cut is above it."""
    bounds, levels = _ascending(step["cuts"], fewest=1), _ascending(step["levels"], fewest=2)
    if len(levels) != len(bounds) + 1:
        raise ValueError(f"{len(levels)} levels for {len(bounds)} cuts")
    return levels[np.searchsorted(bounds, column, side="right")]


def curve(column: Column, step: Step) -> Column:
    """Follow a curve of straight lines, level beyond its ends: ascending `x`, two or more, and their `y`."""
    x, y = _ascending(step["x"], fewest=2), np.asarray(step["y"], dtype=np.float64)
    if y.shape != x.shape or not np.isfinite(y).all():
        raise ValueError(f"{len(y)} values for {len(x)} places")
    return np.asarray(np.interp(column, x, y))


def offsets(table: NDArray[np.float64], step: Step) -> NDArray[np.float64]:
    """Move classes: `offsets`, a number for each, added to the logarithms of their probabilities (n, C)."""
    moves = np.asarray(step["offsets"], dtype=np.float64)
    if moves.shape != table.shape[1:] or not np.isfinite(moves).all():
        raise ValueError(f"{step['offsets']!r} for {table.shape[1]} classes")
    moved = np.log(np.maximum(table, SMALLEST)) + moves
    return np.asarray(softmax(moved, axis=1))


# Kinds that move a whole table, and name no target.
OF_TABLES: dict[str, Callable[[NDArray[np.float64], Step], NDArray[np.float64]]] = {"offsets": offsets}
KINDS: dict[str, Callable[[Column, Step], Column]] = {
    "clip": clip,
    "tails": tails,
    "floor": floor,
    "round": nearest,
    "grid": grid,
    "levels": match,
    "thresholds": thresholds,
    "cuts": cuts,
    "curve": curve,
}


def _above_zero(value: Any) -> float:
    number = float(value)
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"{number} is not above 0")
    return number


def _ascending(values: ArrayLike, fewest: int) -> Column:
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1 or len(numbers) < fewest:
        raise ValueError(f"expected {fewest} numbers or more, found {values!r}")
    if not np.isfinite(numbers).all() or not (np.diff(numbers) > 0).all():
        raise ValueError(f"{numbers.tolist()} do not ascend")
    return numbers
