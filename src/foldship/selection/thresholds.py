"""The best tying of all: which runs of the sorted rows to tie, and which to leave apart, found exactly.

A tying's correlation is N / D, up to a constant (see `ranks`), which is quasiconvex in (N, D^2) for N above
0: the best tying is a corner of the convex hull of all their points. A corner is where N - slope * D^2 is
largest for some slope, a sum over groups, so that a dynamic programme over the candidate edges finds it.
The search goes from corner to corner (Eisner and Severance 1976), and leaves out stretches between two of
them where even the point at which their tangents meet is no better than the best so far (branch and bound).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foldship.selection import curve
from foldship.selection.clipping import Column, Score
from foldship.selection.ranks import Places, Ranked

SHARES = np.concatenate(
    [np.geomspace(0.006, 0.02, 3), np.arange(3, 97, 2) / 100, 1 - np.geomspace(0.02, 0.004, 5)]
)
CLOSE = 1e-12
DEGREE = 3
MOST_LEVELS = 64
ROUNDS = 3  # of the search by coordinates


def fit(truth: Column, prediction: Column, score: Score | None = None) -> dict[str, Any] | None:
    """The best tying for a smooth curve through these rows; for another metric, the best cuts into levels.

    Tying is fitted to `curve.expected`: with an edge at every few rows the best tying of the rows themselves
    holds much luck.

    Args:
        truth, prediction: (n,) float64.
        score: another metric of truth and prediction, higher is better. Cuts between the training levels are
            then moved one by one to the candidate that scores best on these rows.

    Returns:
        A post-processing step without its target; None when it does not raise the score of these rows.
    """
    if score is not None:
        return _cuts(truth, prediction, score)
    column = Ranked.of(truth, prediction)
    if column.is_constant:
        return None
    edges = candidates(column, SHARES)
    groups = best(column.expecting(curve.expected(column, DEGREE)), edges)
    if not groups or groups == [(0, len(truth))]:
        return None
    if not column.tied(_tie(column.value, groups)) > column.raw:
        return None
    return {"kind": "thresholds", "groups": [[_bound(column, end) for end in group] for group in groups]}


def candidates(column: Ranked, shares: Column) -> Places:
    """Places among the sorted rows where a group may end, at about these shares; 0 and n are among them.

    No place separates equal values.
    """
    inner = np.searchsorted(column.value, column.quantiles(shares), side="right")
    return np.unique(np.concatenate([[0], inner, [len(column.value)]]))


def best(column: Ranked, edges: Places) -> list[tuple[int, int]]:
    """The groups of rows whose tying correlates best, among all that begin and end at edges.

    Args:
        column: its raw correlation is above 0.
        edges: (K,) places as `candidates` gives them.

    Returns:
        First row and end of each group, ascending; empty when nothing pays.
    """
    of_target, of_product, of_square = (sums[edges] for sums in column.sums)
    middle = (edges[:, None] + edges - len(column.value)) / 2
    tied = middle * (of_target - of_target[:, None]), middle**2 * (edges - edges[:, None])
    apart = np.diff(of_product), np.diff(of_square)

    def corner(slope: float) -> _Corner:
        spans = _programme(tied[0] - slope * tied[1], apart[0] - slope * apart[1])
        parts = [
            (tied[0][i, j], tied[1][i, j]) if is_tied else (apart[0][i], apart[1][i])
            for i, j, is_tied in spans
        ]
        product, square = (float(total) for total in np.sum(parts, axis=0))
        return _Corner(
            product, square, [(int(edges[i]), int(edges[j])) for i, j, is_tied in spans if is_tied]
        )

    found = _Corner(float(of_product[-1]), float(of_square[-1]), [])
    highest = corner(0.0)
    if highest.height > found.height + CLOSE:
        found = highest
    # Between the tying of all rows and the highest N; each end with the slope of its tangent.
    stretches = [(_Corner(0.0, 0.0, []), math.inf, highest, 0.0)]
    while stretches:
        left, steep, right, flat = stretches.pop()
        if right.square - left.square <= CLOSE * right.square:
            continue
        if _meeting(left, steep, right, flat) <= found.height + CLOSE:
            continue
        slope = (right.product - left.product) / (right.square - left.square)
        between = corner(slope)
        gain = between.product - left.product - slope * (between.square - left.square)
        if gain <= CLOSE * highest.product:
            continue  # nothing above the straight line
        if between.height > found.height + CLOSE:
            found = between
        stretches += [(left, steep, between, slope), (between, slope, right, flat)]
    return found.groups


class _Corner(NamedTuple):
    """N, D^2 and groups of a tying."""

    product: float
    square: float
    groups: list[tuple[int, int]]

    @property
    def height(self) -> float:
        """N / D."""
        return self.product / math.sqrt(self.square) if self.square > 0 else 0.0


def _meeting(left: _Corner, steep: float, right: _Corner, flat: float) -> float:
    """N / D where the tangents at two corners meet: no tying between these is higher."""
    if math.isinf(steep):
        return math.inf
    run = (right.product - left.product - flat * (right.square - left.square)) / (steep - flat)
    return _Corner(left.product + steep * run, left.square + run, []).height


def _programme(tied: NDArray[np.float64], apart: Column) -> list[tuple[int, int, bool]]:
    """The best way from the first edge to the last: spans (from, to, tied or not), ascending."""
    count = len(tied)
    value, origin = np.zeros(count), np.zeros(count, dtype=np.int64)
    for end in range(1, count):
        ways = value[:end] + tied[:end, end]
        start = int(ways.argmax())
        loose = value[end - 1] + apart[end - 1]
        value[end], origin[end] = (loose, -1) if loose >= ways[start] - CLOSE else (ways[start], start)
    spans: list[tuple[int, int, bool]] = []
    end = count - 1
    while end > 0:
        is_tied = bool(origin[end] >= 0)
        start = int(origin[end]) if is_tied else end - 1
        spans.append((start, end, is_tied))
        end = start
    return spans[::-1]


def _tie(value: Column, groups: list[tuple[int, int]]) -> Column:
    result = value.copy()
    for start, end in groups:
        result[start:end] = value[start]
    return result


def _bound(column: Ranked, edge: int) -> float | None:
    """Halfway between the rows at an edge; None at the ends."""
    if edge in (0, len(column.value)):
        return None
    return float((column.value[edge - 1] + column.value[edge]) / 2)


def _cuts(truth: Column, prediction: Column, score: Score) -> dict[str, Any] | None:
    levels, counts = np.unique(truth, return_counts=True)
    if not 2 <= len(levels) <= MOST_LEVELS:
        return None
    grid = np.unique(np.quantile(prediction, np.arange(1, 100) / 100, method="inverted_cdf"))
    shares = np.cumsum(counts)[:-1] / len(truth)
    cuts = np.quantile(prediction, shares, method="inverted_cdf")

    def at(bounds: Column) -> float:
        return score(truth, levels[np.searchsorted(bounds, prediction, side="right")])

    best = at(cuts)
    for _ in range(ROUNDS):
        before = best
        for place in range(len(cuts)):
            low = cuts[place - 1] if place else -np.inf
            high = cuts[place + 1] if place + 1 < len(cuts) else np.inf
            for bound in grid[(grid > low) & (grid < high)]:
                moved = cuts.copy()
                moved[place] = bound
                if (found := at(moved)) > best:
                    best, cuts = found, moved
        if not best > before:
            break
    if not best > score(truth, prediction) or not (np.diff(cuts) > 0).all():
        return None
    return {"kind": "cuts", "cuts": cuts.tolist(), "levels": levels.tolist()}
