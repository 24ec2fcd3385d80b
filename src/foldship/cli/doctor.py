"""`foldship doctor`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from foldship.cli.context import Context, open_context, shared_options


@click.command()
@shared_options
@click.option("--submit", "submitting", is_flag=True, help="Also that the run can be submitted today.")
def command(competition: str, data: Path | None, recipe: str, submitting: bool) -> None:
    """Ask, before anything is spent, what would go wrong on Kaggle.

    Credentials, names, the bundle and its rehearsal, machine and wheels, sizes, time and quota, competition
    and datasets: one rule each, with what to do about it. Nothing is uploaded or changed. Any rule that fails
    makes the command fail; what cannot be asked is shown with the reason.
    """
    diagnose(open_context(competition, data, recipe), submitting=submitting)


def diagnose(context: Context, *, submitting: bool) -> None:
    """Examine, show the diagnosis, and end the program with status 1 if a rule failed."""
    from foldship import doctor
    from foldship.doctor.account import sign_in
    from foldship.images import profile
    from foldship.reporting import kaggle_tables, terminal
    from foldship.shipping import settings

    workspace = context.workspace
    kernel = settings.load(workspace.experiment / settings.FILE_NAME, context.experiment.kernel)
    diagnosis = doctor.examine(
        doctor.Evidence(
            root=workspace.root,
            kernel=workspace.kernel,
            datasets=tuple(workspace.datasets),
            rehearsal=workspace.simulation,
            sample=workspace.sample,
            images={name: profile.find(name, workspace.images) for name in kernel.image_names},
            dataset_limit=kernel.dataset_limit,
            submitting=submitting,
            account=sign_in(lambda text: click.echo(text, err=True)),
        )
    )
    terminal.show(kaggle_tables.diagnosis(diagnosis.as_dict()))
    if diagnosis.failed:
        names = ", ".join(finding.name for finding in diagnosis.failed)
        sys.exit(f"error: not ready for Kaggle ({names}): see the remedies above")
