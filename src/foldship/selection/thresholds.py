"""The best tying of all: which runs of the sorted rows to tie, and which to leave apart, found exactly.

A tying's correlation is N / D, up to a constant (see `ranks`). For N above 0 the largest N^2 / D^2 is the
largest over mu of 2 mu N - mu^2 D^2, which for a fixed mu is a sum over groups: a dynamic programme over the
candidate edges finds it. Its best N and D^2 give the next mu = N / D^2 (Dinkelbach 1967). Each round can only
gain, but may end on a lesser peak; N / D is quasiconvex in (N, D^2), so the best is a corner of their convex
hull, and the programme meets every corner as mu runs over all ratios. Starts spread over these find it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldship.selection import curve
from foldship.selection.clipping import Column, Score
from foldship.selection.ranks import Places, Ranked

SHARES = np.concatenate(
    [np.geomspace(0.006, 0.02, 3), np.arange(3, 97, 2) / 100, 1 - np.geomspace(0.02, 0.004, 5)]
)
STARTS = np.geomspace(0.25, 4, 5)  # of the ratio of the raw column
MOST_ROUNDS, CLOSE = 30, 1e-12
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
    found: list[tuple[int, int]] = []
    highest = column.raw
    ratio = float(of_product[-1] / of_square[-1])
    if not ratio > 0:
        return found
    for mu in STARTS * ratio:
        for _ in range(MOST_ROUNDS):
            spans = _programme(2 * tied[0] - mu * tied[1], 2 * apart[0] - mu * apart[1])
            together = [span for span in spans if span[2]]
            product = sum(tied[0][i, j] for i, j, _ in together) + sum(
                apart[0][i] for i, _, is_tied in spans if not is_tied
            )
            square = sum(tied[1][i, j] for i, j, _ in together) + sum(
                apart[1][i] for i, _, is_tied in spans if not is_tied
            )
            if not (product > 0 and square > 0):
                break
            if (score := column.ratio(product, square)) > highest + CLOSE:
                highest, found = score, [(int(edges[i]), int(edges[j])) for i, j, _ in together]
            if abs(product / square - mu) <= CLOSE * mu:
                break
            mu = product / square
    return found


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
