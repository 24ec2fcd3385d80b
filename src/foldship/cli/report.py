"""`foldship report`."""

from __future__ import annotations

from pathlib import Path

import click

from foldship.cli.context import open_context, shared_options


@click.command()
@shared_options
def command(competition: str, data: Path | None, recipe: str) -> None:
    """Write one HTML page with the scores, pictures and tables of the last run."""
    from foldship.reporting import report

    page = report.write(open_context(competition, data, recipe).workspace.build)
    click.echo(f"report: {page}")
