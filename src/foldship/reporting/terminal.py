"""Tables on the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import rich.box
import rich.table
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from foldship import terminals
from foldship.reporting.tables import Table

UNBOUNDED = 240  # characters
APART = 3  # characters between columns
INDENT = "  "
LEAST_WORDS = 16  # characters of a column of words, below which nobody reads it


def show(table: Table, console: Console | None = None) -> None:
    """Print a table; rows that need attention stand out.

    Names in the first column and numbers are never cut or wrapped. Where the terminal is too narrow for that,
    each row is shown as a block of lines instead.

    Args:
        table: what to show.
        console: where to; None is standard output.
    """
    console = console or _console()
    widths = _widths(table, console.width)
    if widths:
        console.print(_grid(table, widths))
        console.print()
    else:
        _stacked(table, console)


def _widths(table: Table, most: int) -> list[int]:
    """Characters of each column in a terminal of `most`; none where they do not fit beside each other."""
    columns = range(len(table.header))
    widths = [_least(table, place) for place in columns]
    spare = most - sum(widths) - APART * (len(widths) - 1)
    if spare < 0:
        return []
    wanted = {place: max(map(cell_len, _cells(table, place))) - widths[place] for place in columns}
    for taken, place in enumerate(sorted(columns, key=lambda place: wanted[place])):
        more = min(wanted[place], spare // (len(widths) - taken))
        widths[place] += more
        spare -= more
    return widths


def _least(table: Table, place: int) -> int:
    """The least characters that a column needs: names and numbers stay whole, words are kept whole."""
    cells = _cells(table, place)
    longest = max((cell_len(word) for cell in cells for word in cell.split()), default=0)
    if place in table.left:
        return min(max(map(cell_len, cells)), max(longest, LEAST_WORDS))
    return max(longest, *(cell_len(cell) for cell in cells[1:]), 1)


def _cells(table: Table, place: int) -> list[str]:
    return [table.header[place], *(row[place] for row in table.rows)]


def _grid(table: Table, widths: Sequence[int]) -> rich.table.Table:
    grid = rich.table.Table(
        title=Text(table.title),
        caption=Text(table.caption),
        box=rich.box.SIMPLE_HEAD,
        caption_justify="left",
        show_edge=False,
        pad_edge=False,
    )
    for place, (name, width) in enumerate(zip(table.header, widths, strict=True)):
        words = place == 0 or place in table.left
        grid.add_column(Text(name), justify="left" if words else "right", overflow="fold", width=width)
    for place, row in enumerate(table.rows):
        grid.add_row(*map(Text, row), style="bold red" if place in table.alarming else None)
    return grid


def _stacked(table: Table, console: Console) -> None:
    """Each row as its name, and each further cell below it with the name of its column."""
    console.print(Text(table.title, style="italic"))
    label = max(map(cell_len, table.header[1:]), default=0) + len(INDENT) + 2
    for place, row in enumerate(table.rows):
        style = "bold red" if place in table.alarming else "bold"
        console.print(Text(row[0], style=style))
        for name, cell in zip(table.header[1:], row[1:], strict=True):
            if not cell:
                continue
            longest = max(map(cell_len, cell.split()), default=0)
            beside = label + max(longest, min(cell_len(cell), LEAST_WORDS)) <= console.width
            start = f"{INDENT}{name}:"
            margin = " " * label if beside else INDENT * 2
            if not beside:
                console.print(Text(start))
            lines = Text(cell).wrap(console, max(console.width - cell_len(margin), 1))
            for number, line in enumerate(lines):
                line.rstrip()
                first = number == 0 and beside
                console.print(Text(start.ljust(label) if first else margin) + line)
    if table.caption:
        console.print(Text(table.caption, style="dim italic"))
    console.print()


def _console() -> Console:
    """Standard output; a file or pipe has no width that a table must fit in."""
    plain = terminals.plain(sys.stdout)
    narrow = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(
        width=None if narrow else UNBOUNDED,
        force_terminal=False if plain else None,
        no_color=plain or None,
        color_system=None if plain else "auto",
    )
