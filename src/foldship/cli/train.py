"""`foldship train`."""

from __future__ import annotations

from pathlib import Path

import click
import pandas as pd

from foldship.cli.context import Context, open_context, shared_options
from foldship_kernel.errors import DataError

jobs_option = click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Most folds to train at once on a CPU.  [default: one per core, with 3 GiB of memory each]",
)


@click.command()
@shared_options
@jobs_option
def command(competition: str, data: Path | None, recipe: str, jobs: int | None) -> None:
    """Train the fold models and write their out-of-fold predictions.

    Folds are made once and saved. Finished folds are kept, a broken one goes on from its last checkpoint:
    run the same command again after any interruption. Weights go to weights/<competition>/<model>/.
    """
    train(open_context(competition, data, recipe), jobs)


def train(context: Context, jobs: int | None = None) -> None:
    """Folds, training, then the scores of what was trained."""
    from foldship import folds, receipts
    from foldship.cli.selecting import select
    from foldship.reporting import tables, terminal
    from foldship.training import run

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
    run.run(
        task,
        context.experiment,
        rows,
        table,
        context.workspace.weights,
        jobs=jobs,
        unlabelled=_test_rows(context),
    )
    selection = select(context)
    for show in (tables.columns_by_fold, tables.columns, tables.folds, tables.summary):
        terminal.show(show(selection))


def _test_rows(context: Context) -> pd.DataFrame | None:
    """Rows of DATA's test file, if there is one, where a model adapts its backbone to all texts."""
    if all(model.adaptation is None for model in context.experiment.models.values()):
        return None
    try:
        rows, _ = context.competition.task.read_test(context.data)
    except DataError:
        return None
    return pd.concat(rows.chunks())
