"""`foldship report`."""

from __future__ import annotations

import click

from foldship.cli.context import open_workspace


@click.command()
@click.option("--competition", default="quest", show_default=True, help="Which competition.")
def command(competition: str) -> None:
    """Write one HTML page with the scores, pictures and tables of what was made last."""
    from foldship.reporting import report

    click.echo(f"report: {report.write(open_workspace(competition).build)}")
