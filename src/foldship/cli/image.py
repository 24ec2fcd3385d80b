"""`foldship image`."""

from __future__ import annotations

from pathlib import Path

import click

from foldship.cli.context import Context, open_context, shared_options


@click.command()
@shared_options
@click.option(
    "--import",
    "printed",
    type=click.Path(path_type=Path),
    help="Keep this image.json, or log, of the inspection kernel in kernels/images/.",
)
@click.option("--name", help="Name to keep it by.  [default: kaggle-gpu or kaggle-cpu, as was found]")
def command(competition: str, data: Path | None, recipe: str, printed: Path | None, name: str | None) -> None:
    """Make a kernel that says what Kaggle's image holds, or keep what it said.

    Writes build/<competition>/inspection, to be pushed like the kernel itself; it needs no dataset. It prints
    the image's Python, packages, CUDA and machine, and leaves them in image.json. With that imported, the
    bundle's wheels are made for the image as it is.
    """
    context = open_context(competition, data, recipe)
    if printed is None:
        make(context)
    else:
        keep(context, printed.expanduser(), name)


def make(context: Context) -> None:
    """Write the inspection kernel, and say what to do with it."""
    from foldship.cli.account import owned
    from foldship.shipping import image_kernel, settings

    workspace = context.workspace
    kernel = settings.load(workspace.experiment / settings.FILE_NAME, context.experiment.kernel)
    image_kernel.write(workspace.inspector, owned(kernel), workspace.inspection)
    click.echo(
        f"inspection kernel: {workspace.inspection}\n"
        f"push it with `kaggle kernels push -p {workspace.inspection}`, take image.json or the log from its "
        "output, and keep that with `make image IMPORT=image.json`"
    )


def keep(context: Context, printed: Path, name: str | None) -> None:
    """Check what an inspection kernel said, and store it by name."""
    from foldship.images import printout

    path = printout.keep(printed, name, context.workspace.images)
    click.echo(
        f"image: {path}\nwheels are made for it where `images` in kernel.yaml names {path.stem!r}, as it "
        f"does by default for {printout.GPU} and {printout.CPU}; now run `make bundle`"
    )
