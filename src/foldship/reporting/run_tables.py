"""Tables of the runs that were kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from foldship.reporting.tables import Json, Table, number, signed

STOPPED_EARLY = "*"
DATA_DIGITS = 6
LUCK = (
    "p says how surely these weights are better on other questions; training again with another seed may "
    "change more, and of many runs the best one is lucky."
)


def board(runs: Sequence[Json]) -> Table:
    """All runs in the order given, from their `run.json`."""
    rows = []
    for run in runs:
        scores = [run["scores"][columns] for columns in ("all", "without_rare")]
        rows.append(
            (
                run["run"],
                run["finished"][:10],
                run["recipe"] + STOPPED_EARLY * _stops_early(run),
                ", ".join(run["trained"]),
                run["truth"].removeprefix("truth-")[:DATA_DIGITS],
                str(run["config"]["folds"]["count"]),
                str(run["rows"]),
                *(number(score["nested"]) for score in scores),
                *(number(score["raw"]) for score in scores),
            )
        )
    counts = sorted({run["scores"][columns]["columns"] for run in runs for columns in run["scores"]})
    few, many = (counts[0], counts[-1]) if counts else (0, 0)
    header = ("run", "finished", "recipe", "models", "data", "folds", "rows")
    return Table(
        "Runs",
        (*header, f"nested {many}", f"nested {few}", f"raw {many}", f"raw {few}"),
        tuple(rows),
        "Mean of the folds over all columns and those that are not too rare. Nested: post-processed with "
        "what was fitted on the other folds. Only runs on the same data and rows compare. Days are UTC. "
        f"{STOPPED_EARLY} stopped early by the folds that are scored: a little too good.",
        left=frozenset({1, 2, 3, 4}),
    )


def _stops_early(run: Json) -> bool:
    return any(model.get("early_stopping") for model in run["config"]["models"].values())


def comparison(first: str, second: str, results: Mapping[str, Mapping[str, Any]], resamples: int) -> Table:
    """The paired bootstrap between runs `first` (A) and `second` (B).

    Args:
        first, second: names.
        results: what was compared, and by columns a `foldship.selection.evaluation.Comparison`.
        resamples: how often groups were drawn.
    """
    rows = [
        (
            what,
            str(found.columns),
            number(found.a),
            number(found.b),
            signed(found.difference),
            f"{signed(found.low)} to {signed(found.high)}",
            probability(found.better, resamples),
        )
        for what, by_columns in results.items()
        for found in by_columns.values()
    ]
    return Table(
        f"Run {second} (B) against run {first} (A)",
        ("scored on", "columns", "A", "B", "B - A", "95% interval", "p(B better)"),
        tuple(rows),
        f"{resamples} resamples of the groups. Raw predictions are ranked within their fold, "
        "post-processed ones scored fold by fold. A, B and B - A are of all rows, whatever a resample holds; "
        f"one that holds a single value of a target is scored without it. {LUCK}",
    )


def gains(base: Json, found: Sequence[tuple[Json, Mapping[str, Any]]], resamples: int) -> Table:
    """What other runs gained on one, the largest gain first.

    Args:
        base: its `run.json`.
        found: `run.json` of one or more other runs, and their comparisons with the base by columns: `all` and
            `without_rare`.
        resamples: how often groups were drawn.
    """
    ordered = sorted(found, key=lambda entry: -entry[1]["all"].difference)
    rows = [
        (
            run["recipe"],
            run["run"],
            *(number(both[columns].b) for columns in ("all", "without_rare")),
            signed(both["all"].difference),
            f"{signed(both['all'].low)} to {signed(both['all'].high)}",
            probability(both["all"].better, resamples),
        )
        for run, both in ordered
    ]
    counts = [base["scores"][columns]["columns"] for columns in ("all", "without_rare")]
    scores = (number(found[0][1][columns].a) for columns in ("all", "without_rare"))
    return Table(
        f"Runs against {base['recipe']} ({base['run']})",
        ("recipe", "run", *(f"raw {count}" for count in counts), "gain", "95% interval", "p(better)"),
        (*rows, (f"{base['recipe']} itself", base["run"], *scores, "", "", "")),
        "Blends before post-processing, all rows together, ranked within their fold. Gain over all "
        f"{counts[0]} columns; interval and p from {resamples} resamples of the groups, the same rows for "
        f"both. {LUCK}",
        left=frozenset({1}),
    )


def probability(value: float, resamples: int) -> str:
    """A share of resamples; what never happened in them may still happen."""
    if value in (0.0, 1.0):
        return f"<{1 / resamples:.3f}" if value == 0 else f">{1 - 1 / resamples:.3f}"
    return f"{value:.3f}"
