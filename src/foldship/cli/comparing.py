"""Runs against each other: the paired bootstrap behind `foldship runs --compare` and `--against`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from foldship.cli.context import competition_of
from foldship.terminals import bar
from foldship.workspace import Workspace
from foldship_kernel.errors import FoldshipError, listed

if TYPE_CHECKING:
    import pandas as pd

    from foldship.selection.evaluation import Comparison


def compare_runs(workspace: Workspace, a: str, b: str, *, rows: int, resamples: int) -> None:
    """Show the paired bootstrap between two runs."""
    from foldship import runs
    from foldship.reporting import run_tables, terminal
    from foldship.runs import board

    first, second = runs.find(workspace.runs, a), runs.find(workspace.runs, b)
    one, other, truth = board.same_rows(first, second)
    score = competition_of(workspace).score
    how: dict[str, Any] = {"rare": first.facts["rare"], "resamples": resamples, "score": score}
    results = {
        "raw, all rows": _compare(truth, one, other, **how),
        "raw, one row of each group": _compare(truth, one, other, **how, one_each=True),
        f"raw, {rows} rows, one of each group": _compare(truth, one, other, **how, one_each=True, rows=rows),
    }
    notes = []
    if (one["fold"] == other["fold"]).all():
        ids, folds = list(one.iloc[:, 0]), one["fold"].to_numpy(np.int64)
        nested = [board.aligned(run.nested, ids) for run in (first, second)]
        results["post-processed, nested"] = _compare(truth, *nested, **how, folds=folds)
    else:
        notes.append("post-processed scores are not compared: the runs have different folds")
    terminal.show(run_tables.comparison(first.name, second.name, results, resamples))
    for note in notes:
        click.echo(f"note: {note}")


def rank_runs(workspace: Workspace, name: str, resamples: int) -> None:
    """Show what each run gained on one of them: blends as they are, before post-processing."""
    from foldship import runs
    from foldship.reporting import run_tables, terminal
    from foldship.runs import board

    base, metric = runs.find(workspace.runs, name), competition_of(workspace).score
    others = [
        run
        for run in runs.load_all(workspace.runs)[0]
        if run.name != base.name and run.facts["truth"] == base.facts["truth"]
    ]
    if not others:
        raise FoldshipError(
            f"there is nothing to set against run {base.name}",
            expected="another run that was scored on the same rows",
            found=listed([run.name for run in runs.load_all(workspace.runs)[0]]),
            fix="`make train` with another RECIPE and the same DATA makes one",
        )
    found = []
    for run in bar(others, desc="comparing", unit="run"):
        one, other, truth = board.same_rows(base, run)
        both = _compare(truth, one, other, rare=base.facts["rare"], resamples=resamples, score=metric)
        found.append((run.facts, both))
    terminal.show(run_tables.gains(base.facts, found, resamples))


def _compare(
    truth: pd.DataFrame,
    a: pd.DataFrame,
    b: pd.DataFrame,
    *,
    rare: Sequence[str],
    resamples: int,
    **how: Any,
) -> dict[str, Comparison]:
    """The paired bootstrap between two tables that `same_rows` gave, over `all` columns and `without_rare`.

    Unless folds are scored one by one, predictions are ranked within their fold first: the kernel takes the
    mean of all folds, so what one fold predicts above another is neither merit nor fault.

    Args:
        truth: id, group and targets.
        a, b: predictions in the order of `truth`.
        rare: targets that `without_rare` leaves out.
        resamples: how often groups are drawn.
        how: further arguments of `foldship.selection.evaluation.compare`.
    """
    import pandas as pd

    from foldship.selection import evaluation

    targets = list(truth.columns[2:])
    groups = np.asarray(pd.factorize(truth["group"])[0], dtype=np.int64)
    columns = {
        "all": range(len(targets)),
        "without_rare": [place for place, name in enumerate(targets) if name not in rare],
    }
    tables = [table[targets] for table in (a, b)]
    if "folds" not in how:
        tables = [
            table.groupby(own["fold"]).rank(pct=True) for table, own in zip(tables, (a, b), strict=True)
        ]
    reference, one, other = (table.to_numpy(np.float64) for table in (truth[targets], *tables))
    return evaluation.compare(reference, one, other, groups, columns, resamples=resamples, **how)
