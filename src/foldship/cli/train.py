"""`foldship train`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from foldship.cli.context import Context, open_context, shared_options
from foldship_kernel.errors import DataError, listed
from foldship_kernel.tasks import NUMBERS

if TYPE_CHECKING:
    from foldship.training.pseudo import Unlabelled

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
    """Folds, adoption, training, then the scores of it all."""
    from foldship import folds, selection
    from foldship.cli import recording
    from foldship.cli.adopt import adopt
    from foldship.cli.selecting import select
    from foldship.cli.splitting import split
    from foldship.export import support
    from foldship.modelling import backbone
    from foldship.reporting import score_tables, terminal
    from foldship.training import run

    for model in context.experiment.models.values():
        support.check(backbone.locate(model.backbone, context.workspace.weights.parent), model)
    task, rows = context.competition.task, context.rows
    targets = rows[list(task.targets)]
    table = split(context)
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
        unlabelled=_unlabelled(context),
        score=context.competition.score,
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


def _unlabelled(context: Context) -> Unlabelled | None:
    """Test rows, where a model learns from them: pseudo-labels need them, a backbone takes what there is."""
    from foldship.training.pseudo import Unlabelled

    models = context.experiment.models.values()
    if not any(model.pseudo_labels or model.adaptation for model in models):
        return None
    try:
        rows = context.with_passages(context.competition.read_unlabelled(context.data))
    except DataError:
        if any(model.pseudo_labels for model in models):
            raise
        return None
    return Unlabelled(rows, context.competition.groups(rows))
