"""Pictures as SVG text, the same bytes for the same numbers."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

GREY, BLUE, ORANGE = "#9aa0a6", "#1a73e8", "#e8710a"
PER_ROW = 3


def column_bars(columns: Sequence[Mapping[str, Any]], what: str) -> str:
    """Raw and nested post-processed score of each target, best at the top.

    Args:
        columns: `columns` of `selection.json`.
        what: the score.
    """
    ordered = sorted(columns, key=lambda column: column["nested"] or 0.0)
    places = np.arange(len(ordered))
    figure = Figure(figsize=(9, 1.2 + 0.26 * len(ordered)), layout="constrained")
    axes = figure.add_subplot()
    for shift, kind, colour in ((0.2, "nested", BLUE), (-0.2, "raw", GREY)):
        label = "post-processed, nested" if kind == "nested" else kind
        axes.barh(places + shift, [column[kind] or 0.0 for column in ordered], 0.4, color=colour, label=label)
    axes.set_yticks(places, [column["target"] for column in ordered])
    axes.set_ylim(-0.6, len(ordered) - 0.4)
    axes.set_xlabel(f"{what}, mean of the folds")
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="lower right")
    return _svg(figure)


def histograms(distributions: Mapping[str, Mapping[str, Sequence[float]]], targets: Sequence[str]) -> str:
    """Truth, raw and post-processed out-of-fold predictions of some targets, one small picture each.

    Args:
        distributions: `distributions.json`.
        targets: which to show, in order.
    """
    lines = -(-len(targets) // PER_ROW)
    figure = Figure(figsize=(10, 2.5 * lines), layout="constrained")
    grid = figure.subplots(lines, PER_ROW, squeeze=False)
    for axes, target in zip(grid.flat, targets, strict=False):
        shown = distributions[target]
        edges = np.asarray(shown["edges"])
        axes.bar(edges[:-1], shown["truth"], np.diff(edges), align="edge", color=GREY, label="truth")
        for kind, colour in (("raw", BLUE), ("processed", ORANGE)):
            axes.stairs(shown[kind], edges, color=colour, label=kind)
        axes.set_title(target, fontsize=9)
        # One level often holds nearly all rows.
        axes.set_yscale("symlog", linthresh=1)
        axes.tick_params(labelsize=7)
    for axes in grid.flat[len(targets) :]:
        axes.set_axis_off()
    grid[0, 0].legend(fontsize=7)
    figure.supylabel("rows (log scale)", fontsize=9)
    return _svg(figure)


def confusion(table: Sequence[Sequence[int]], classes: Sequence[str]) -> str:
    """A confusion matrix: shares of each class's rows by colour, numbers of rows in the cells.

    Args:
        table: rows by class (down) and by what is predicted (across).
        classes: their names, in order.
    """
    counts = np.asarray(table)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = 2.5 + 0.3 * len(classes)
    figure = Figure(figsize=(size + 1.5, size), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=7)
    axes.set_xticks(range(len(classes)), classes, rotation=90, fontsize=8)
    axes.set_yticks(range(len(classes)), classes, fontsize=8)
    axes.set_xlabel("predicted")
    axes.set_ylabel("truth")
    return _svg(figure)


def score_steps(units: Sequence[Mapping[str, Any]]) -> str:
    """Expected score against seconds: a step where each fold is done.

    Args:
        units: `units` of `schedule.json`; at least one of them has a score.
    """
    times = np.cumsum([unit["seconds"] for unit in units])
    scores = [np.nan if unit["score"] is None else unit["score"] for unit in units]
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.step(np.append(times, times[-1] * 1.05), [*scores, scores[-1]], where="post", color=BLUE)
    axes.plot(times, scores, "o", color=BLUE)
    for time, score, unit in zip(times, scores, units, strict=True):
        label = f"{unit['model']} {unit['fold']}"
        axes.annotate(label, (time, score), xytext=(3, -11), textcoords="offset points", fontsize=7)
    axes.set_xlim(left=0.0)
    axes.set_xlabel("seconds for 1,000 rows")
    axes.set_ylabel("expected score")
    axes.grid(alpha=0.3)
    return _svg(figure)


def _svg(figure: Figure) -> str:
    stream = io.StringIO()
    # By default matplotlib draws ids at random and writes the date; text stays text, so that pages are small.
    with mpl.rc_context({"svg.hashsalt": "foldship", "svg.fonttype": "none"}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()
