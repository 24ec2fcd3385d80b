"""Tables of the runs that were kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from foldship.reporting.tables import Json, Table, number, signed


def board(runs: Sequence[Json]) -> Table:
    """All runs in the order given, from their `run.json`."""
    rows = []
    for run in runs:
        scores = [run["scores"][columns] for columns in ("all", "without_rare")]
        rows.append(
            (
                run["run"],
                run["finished"][:16].replace("T", " "),
                run["recipe"],
                ", ".join(run["trained"]),
                run["blend"]["method"],
                str(run["rows"]),
                *(number(score["nested"]) for score in scores),
                *(number(score["raw"]) for score in scores),
                f"{sum(run['seconds'].values()):,.0f}",
            )
        )
    counts = sorted({run["scores"][columns]["columns"] for run in runs for columns in run["scores"]})
    few, many = (counts[0], counts[-1]) if counts else (0, 0)
    header = ("run", "finished", "recipe", "models", "blend", "rows")
    return Table(
        "Runs",
        (*header, f"nested {many}", f"nested {few}", f"raw {many}", f"raw {few}", "seconds"),
        tuple(rows),
        "Mean of the folds over all columns and those that are not too rare. Nested: post-processed with "
        "what was fitted on the other folds. Only runs on the same rows compare. Seconds: of the command "
        "that finished the run; folds finished earlier are not in them. Times are UTC.",
        left=frozenset({1, 2, 3, 4}),
    )


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
            f"{found.better:.3f}",
        )
        for what, by_columns in results.items()
        for found in by_columns.values()
    ]
    return Table(
        f"Run {second} (B) against run {first} (A)",
        ("scored on", "columns", "A", "B", "B - A", "95% interval", "p(B better)"),
        tuple(rows),
        f"{resamples} resamples of the groups. A, B and B - A are of all rows, whatever a resample holds.",
    )


def gains(base: Json, found: Sequence[tuple[Json, Mapping[str, Any]]], resamples: int) -> Table:
    """What other runs gained on one, the largest gain first.

    Args:
        base: its `run.json`.
        found: `run.json` of each other run, and its comparison with the base by columns, `all` among them.
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
            f"{both['all'].better:.3f}",
        )
        for run, both in ordered
    ]
    counts = [base["scores"][columns]["columns"] for columns in ("all", "without_rare")]
    scores = (number(base["scores"][columns]["pooled"]) for columns in ("all", "without_rare"))
    return Table(
        f"Runs against {base['recipe']} ({base['run']})",
        ("recipe", "run", *(f"raw {count}" for count in counts), "gain", "95% interval", "p(better)"),
        (*rows, (f"{base['recipe']} itself", base["run"], *scores, "", "", "")),
        f"Blends before post-processing, all rows together. Gain over all {counts[0]} columns; interval and "
        f"p from {resamples} resamples of the groups, the same rows for both.",
        left=frozenset({1}),
    )
