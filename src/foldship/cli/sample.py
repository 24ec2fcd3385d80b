"""`foldship sample`."""

from __future__ import annotations

from pathlib import Path

import click

from foldship.cli.context import competition_of, open_workspace


@click.command()
@click.option("--competition", default="quest", show_default=True, help="Which competition.")
@click.argument("folder", type=click.Path(path_type=Path))
def command(competition: str, folder: Path) -> None:
    """Write the generated sample data (train.csv, test.csv, sample_submission.csv) into FOLDER."""
    folder.mkdir(parents=True, exist_ok=True)
    competition_of(open_workspace(competition)).write_sample(folder)
    for path in sorted(folder.iterdir()):
        click.echo(f"{path}  {path.stat().st_size:,} bytes")
