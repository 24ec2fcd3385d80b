"""`foldship calibrate`."""

from __future__ import annotations

from pathlib import Path

import click

from foldship.cli.context import Context, open_context, shared_options


@click.command()
@shared_options
@click.option(
    "--import",
    "measured",
    type=click.Path(path_type=Path),
    help="Keep this profile.yaml, which the calibration kernel wrote, in kernels/profiles/.",
)
@click.option(
    "--name", help="Name to keep it by.  [default: the profile of the machine that the kernel asks for]"
)
def command(
    competition: str, data: Path | None, recipe: str, measured: Path | None, name: str | None
) -> None:
    """Make a kernel that measures Kaggle's machine, or keep what it measured.

    Writes build/<competition>/calibration, to be pushed like the kernel itself once the bundle's dataset is
    up. It leaves profile.yaml; with that imported, `simulate` projects to the machine as it was measured.
    """
    context = open_context(competition, data, recipe)
    if measured is None:
        make(context)
    else:
        keep(context, measured.expanduser(), name)


def make(context: Context) -> None:
    """Write the calibration kernel, and say what to do with it."""
    from foldship.cli.account import owned
    from foldship.shipping import calibration, settings

    workspace = context.workspace
    kernel = settings.load(workspace.experiment / settings.FILE_NAME, context.experiment.kernel)
    calibration.write(workspace.dataset, owned(kernel), workspace.entry, workspace.calibration)
    click.echo(
        f"calibration kernel: {workspace.calibration}\n"
        f"push it with `kaggle kernels push -p {workspace.calibration}`, take profile.yaml from its output, "
        "and keep that with `make calibrate IMPORT=profile.yaml`"
    )


def keep(context: Context, measured: Path, name: str | None) -> None:
    """Check a measured profile, and store it by name."""
    from foldship import projection

    workspace = context.workspace
    if name is None:
        name = projection.default_profile(workspace.kernel / "kernel-metadata.json")
    path = projection.keep(measured, name, workspace.profiles)
    click.echo(f"profile: {path}")
