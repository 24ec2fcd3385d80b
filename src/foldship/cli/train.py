"""`foldship train`."""

from __future__ import annotations

import os
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
    # Heavy imports wait until the arguments are known to be right.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from foldship import folds
    from foldship.training import run

    task = context.competition.task
    settings = context.experiment.folds
    rows = context.rows
    table, notes = folds.load_or_make(
        context.workspace.weights / "folds",
        ids=list(rows[task.ID]),
        groups=context.competition.groups(rows),
        targets=rows[list(task.TARGETS)],
        count=settings.count,
        seed=settings.seed,
    )
    for note in notes:
        click.echo(f"note: {note}")
    run.run(task, context.experiment, rows, table, context.workspace.weights)
