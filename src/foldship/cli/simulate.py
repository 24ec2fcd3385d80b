"""`foldship simulate`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from foldship.cli.context import Context, open_context, shared_options


def rehearsal_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What a rehearsal can be told."""
    for option in (
        click.option(
            "--isolation",
            default="auto",
            show_default=True,
            help="bubblewrap, unshare, docker; auto takes the first that works here. none runs the kernel "
            "without a sandbox, and the verdict says so.",
        ),
        click.option("--memory", type=float, default=16.0, show_default=True, help="Memory limit in GiB."),
        click.option("--limit", type=float, help="Run-time limit in seconds.  [default: the bundle's own]"),
        click.option(
            "--input",
            "input_folder",
            type=click.Path(path_type=Path),
            help="Folder with the test files to run on, such as a hidden set's.  [default: the data folder]",
        ),
    ):
        command = option(command)
    return command


@click.command()
@shared_options
@rehearsal_options
def command(competition: str, data: Path | None, recipe: str, **rehearsal: Any) -> None:
    """Run the bundle in a sealed sandbox laid out like Kaggle, and check everything.

    No network, inputs read-only, only what the image has plus the bundle's wheels, limits enforced. Writes
    submission.csv, verdict.json and kernel.log to build/<competition>/simulation/. Any failed check makes the
    command fail.
    """
    simulate(open_context(competition, data, recipe), **rehearsal)


def simulate(
    context: Context, input_folder: Path | None, limit: float | None, memory: float, isolation: str
) -> None:
    """Rehearse, show the verdict, and end the program with status 1 if a check failed."""
    from foldship import rehearsal
    from foldship.reporting import tables, terminal
    from foldship.shipping import settings
    from foldship_kernel import manifest

    workspace = context.workspace
    kernel = settings.load(workspace.experiment / settings.FILE_NAME, context.experiment.kernel)
    bundle = manifest.load(workspace.dataset / manifest.FILE_NAME)
    verdict = rehearsal.simulate(
        workspace.kernel,
        workspace.dataset,
        input_folder.expanduser() if input_folder else context.data,
        workspace.simulation,
        cache=workspace.cache,
        competition=kernel.competition,
        task=context.competition.task,
        limit_s=bundle.limit_s if limit is None else limit,
        memory_gib=memory,
        isolation=isolation,
    )
    seen = verdict.as_dict()
    for show in (tables.phases, tables.checks):
        terminal.show(show(seen))
    if not verdict.passed:
        sys.exit(f"error: the rehearsal failed: see {workspace.simulation / 'verdict.json'}")
