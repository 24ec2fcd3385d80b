"""`foldship push`."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console
from rich.status import Status

from foldship.cli.context import Context, open_context, shared_options
from foldship.cli.doctor import diagnose


@click.command()
@shared_options
@click.option(
    "--submit", "submitting", is_flag=True, help="Submit the run to the competition, show the score."
)
@click.option(
    "--compare",
    type=click.Choice(["hashes", "sizes"]),
    default="hashes",
    show_default=True,
    help="How what was uploaded is compared: every byte is fetched back, or names and sizes only.",
)
def command(competition: str, data: Path | None, recipe: str, submitting: bool, compare: str) -> None:
    """Upload the bundle, run it on Kaggle, and compare what it computed with the rehearsal.

    Asks first what would go wrong, as `foldship doctor` does, and stops if anything would.

    Datasets first, until they are ready and hold the bundle to the byte; then the kernel, once; then its run
    is followed to the end, and its output fetched to build/<competition>/push/output/. Run again after any
    interruption: it goes on where it stopped. With --submit the run is submitted to the competition.

    Credentials: as Kaggle's own client takes them, from KAGGLE_API_TOKEN, KAGGLE_USERNAME and KAGGLE_KEY, or
    ~/.kaggle/. They are never shown or stored.
    """
    context = open_context(competition, data, recipe)
    diagnose(context, submitting=submitting)
    push(context, submitting=submitting, hashes=compare == "hashes")


def push(context: Context, *, submitting: bool, hashes: bool) -> None:
    """All steps of a push, and a table of what came of it."""
    from foldship import pushing
    from foldship.kaggle_client.connection import Connection
    from foldship.reporting import kaggle_tables, terminal
    from foldship_kernel import manifest

    workspace = context.workspace
    bundle = manifest.load(workspace.dataset / manifest.FILE_NAME)
    with OnTerminal() as progress:
        record = pushing.push(
            workspace.kernel,
            workspace.datasets,
            workspace.simulation,
            workspace.push,
            task=context.competition.knowing(bundle.task),
            connection=Connection(progress.say),
            progress=progress,
            hashes=hashes,
            submitting=submitting,
        )
    metadata = json.loads((workspace.kernel / "kernel-metadata.json").read_text(encoding="utf-8"))
    facts = {name: record.get(name) for name in ("kernel", "compared", "submission")}
    terminal.show(kaggle_tables.push(metadata, facts))


class OnTerminal:
    """Lines that stay, and below them one that says what is being waited for."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._status: Status | None = None

    def __enter__(self) -> OnTerminal:
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()

    def say(self, text: str) -> None:
        """Print a line."""
        self._clear()
        self._console.print(text, markup=False)

    def waiting(self, text: str) -> None:
        """Show this until the next text comes; nothing without a terminal."""
        if self._status is None:
            self._status = self._console.status(text)
            self._status.start()
        self._status.update(text)

    def _clear(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None
