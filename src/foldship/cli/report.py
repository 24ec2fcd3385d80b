"""`foldship report`."""

from __future__ import annotations

import click

from foldship.cli.context import open_workspace


@click.command()
@click.option("--competition", default="quest", show_default=True, help="Which competition.")
def command(competition: str) -> None:
    """Write one HTML page with the scores, pictures and tables of what was made last."""
    from foldship import receipts, runs
    from foldship.reporting import report

    workspace = open_workspace(competition)
    selected = receipts.read(workspace.selection).get("inputs")
    kept = (run.facts for run in runs.load_all(workspace.runs)[0] if run.facts.get("selected") == selected)
    latest = max(kept, key=lambda facts: str(facts["finished"]), default=None)
    click.echo(f"report: {report.write(workspace.build, latest)}")
