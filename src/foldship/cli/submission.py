"""`foldship submission`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from foldship.cli.asking import ask
from foldship.cli.bundle import bundle
from foldship.cli.context import open_context, shared_options
from foldship.cli.simulate import rehearsal_options, simulate
from foldship.cli.train import jobs_option, train


@click.command()
@shared_options
@jobs_option
@rehearsal_options
def command(competition: str, data: Path | None, recipe: str, jobs: int | None, **rehearsal: Any) -> None:
    """Everything in one go: train, bundle, simulate.

    Leaves build/<competition>/simulation/submission.csv, written by the sealed kernel. What is finished and
    unchanged is not done again. What would stop it later is asked first, and said before anything is trained.
    """
    context = open_context(competition, data, recipe)
    asked = ask(context, jobs, rehearsal)
    train(context, asked, jobs)
    bundle(context)
    simulate(context, **rehearsal)
    click.echo(f"\nsubmission: {context.workspace.simulation / 'submission.csv'}")
