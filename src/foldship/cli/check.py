"""`foldship check`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from foldship.cli.asking import ask
from foldship.cli.context import open_context, shared_options
from foldship.cli.simulate import rehearsal_options
from foldship.cli.train import jobs_option


@click.command()
@shared_options
@jobs_option
@rehearsal_options
@click.option("--training", is_flag=True, help="Only what `train` needs: no sandbox, wheels or test file.")
def command(
    competition: str, data: Path | None, recipe: str, jobs: int | None, training: bool, **rehearsal: Any
) -> None:
    """Ask all that can be known before training, and train nothing.

    Files against competition.yaml, settings, backbones, kernel.yaml, the rehearsal's options, a sandbox,
    wheels, room on the disk: `submission`, `train` and `adopt` ask the same before they begin. All that
    stands in the way is shown at once.
    """
    context = open_context(competition, data, recipe)
    ask(context, jobs, None if training else rehearsal)
    goal = "a training" if training else "a submission"
    click.echo(
        f"{competition}, recipe {recipe}: nothing stands in the way of {goal} on {len(context.plain_rows):,} "
        f"rows of {context.data}"
    )
