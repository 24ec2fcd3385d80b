"""`foldship train`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from foldship.cli.context import Context, open_context, shared_options


@click.command()
@shared_options
def command(competition: str, data: Path | None, recipe: str) -> None:
    """Train the fold models and write their out-of-fold predictions.

    Folds are made once and saved. Finished folds are kept, a broken one goes on from its last checkpoint:
    run the same command again after any interruption. Weights go to weights/<competition>/<model>/.
    """
    train(open_context(competition, data, recipe))


def train(context: Context) -> None:
    """Folds, training, then the scores of what was trained."""
    from foldship import folds, receipts
    from foldship.cli import recording
    from foldship.cli.selecting import select
    from foldship.reporting import tables, terminal
    from foldship.training import run
    from foldship.training.pseudo import Unlabelled

    task, rows = context.competition.task, context.rows
    settings = context.experiment.folds
    groups = context.competition.groups(rows)
    targets = rows[list(task.TARGETS)]
    # Folds are kept per data set, so that trying the sample does not disturb the folds of the real rows.
    key = receipts.digest([sorted(zip(rows[task.ID], groups, strict=True)), settings.model_dump()])
    table = folds.load_or_make(
        context.workspace.weights / "folds" / f"{key[:12]}.csv",
        rows[task.ID],
        groups,
        targets,
        settings.count,
        settings.seed,
    )
    for note in folds.notes(table, targets):
        click.echo(f"note: {note}")
    unlabelled = None
    if any(model.pseudo_labels for model in context.experiment.models.values()):
        test = context.competition.read_unlabelled(context.data)
        unlabelled = Unlabelled(test, context.competition.groups(test))
    began = time.monotonic()
    run.run(
        task,
        context.experiment,
        rows,
        table,
        context.workspace.weights,
        group_targets=context.competition.group_targets,
        unlabelled=unlabelled,
    )
    trained = time.monotonic()
    selection = select(context)
    seconds = {"training": trained - began, "selection": time.monotonic() - trained}
    shown = (tables.columns_by_fold, tables.columns, tables.folds, tables.trials, tables.summary)
    for contents in (show(selection) for show in shown):
        if contents is not None:
            terminal.show(contents)
    kept = recording.keep(context, selection, seconds)
    click.echo(f"run {kept.name}: kept in {kept}; `foldship runs` lists all")
