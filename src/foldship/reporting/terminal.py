"""Tables on the terminal."""

from __future__ import annotations

import os
import sys

import rich.box
import rich.table
from rich.console import Console
from rich.text import Text

from foldship.reporting.tables import Table

UNBOUNDED = 240  # characters


def show(table: Table, console: Console | None = None) -> None:
    """Print a table; rows that need attention stand out.

    Args:
        table: what to show.
        console: where to; None is standard output.
    """
    grid = rich.table.Table(
        title=Text(table.title), caption=Text(table.caption), box=rich.box.SIMPLE_HEAD, caption_justify="left"
    )
    for place, name in enumerate(table.header):
        words = place == 0 or place in table.left
        # Numbers keep their digits on a narrow terminal, words are wrapped.
        grid.add_column(Text(name), justify="left" if words else "right", no_wrap=not words, overflow="fold")
    for place, row in enumerate(table.rows):
        grid.add_row(*map(Text, row), style="bold red" if place in table.alarming else None)
    (console or _console()).print(grid)


def _console() -> Console:
    """Standard output; a file or pipe has no width that a table must fit in."""
    narrow = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console() if narrow else Console(width=UNBOUNDED)
