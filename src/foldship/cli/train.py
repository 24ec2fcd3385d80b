"""`foldship train`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from foldship.cli.asking import Asked, ask
from foldship.cli.context import Context, open_context, shared_options
from foldship_kernel.errors import listed
from foldship_kernel.tasks import NUMBERS

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
    context = open_context(competition, data, recipe)
    train(context, ask(context, jobs), jobs)


def train(context: Context, asked: Asked, jobs: int | None = None) -> None:
    """Adoption, training, then the scores of it all.

    Args:
        context: what is to be trained.
        asked: what `asking.ask` made of it.
        jobs: most folds to train at once.
    """
    from foldship import folds, selection
    from foldship.cli import recording
    from foldship.cli.adopt import adopt
    from foldship.cli.selecting import select
    from foldship.reporting import score_tables, terminal
    from foldship.training import run

    task, rows, table = context.competition.task, context.rows, asked.folds
    targets = rows[list(task.targets)]
    if task.kind == NUMBERS:  # of classes, the metric is one for all
        for note in folds.notes(table, targets):
            click.echo(f"note: {note}")
    for ids in context.competition.contradictions(rows):
        click.echo(f"note: {task.id} {listed(ids)}: the same texts, but other classes; all are learned from")
    adopt(context)
    began = time.monotonic()
    run.run(
        task,
        context.experiment,
        rows,
        table,
        context.workspace.weights,
        jobs=jobs,
        unlabelled=asked.unlabelled,
        score=context.competition.score,
        drafts=asked.drafts,
    )
    trained = time.monotonic()
    chosen = select(context)
    if not selection.is_scored(chosen):
        for note in chosen["notes"]:
            click.echo(f"note: {note}")
        return
    seconds = {"training": trained - began, "selection": time.monotonic() - trained}
    shown = (
        score_tables.columns_by_fold,
        score_tables.columns,
        score_tables.bands,
        score_tables.folds,
        score_tables.trials,
        score_tables.summary,
    )
    for contents in (show(chosen) for show in shown):
        if contents is not None:
            terminal.show(contents)
    kept = recording.keep(context, chosen, seconds)
    click.echo(f"run {kept.name}: kept in {kept}; `foldship runs` lists all")
