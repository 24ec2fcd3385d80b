"""A click command as a program: however it ends, what is said can be read by a person."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence

import click

from foldship import mishaps, terminals


def run(command: click.Command, name: str, arguments: Sequence[str] | None = None) -> None:
    """Run a command; anything but success ends the program with a message and a status.

    Args:
        command: with its subcommands, if it has such.
        name: of the program.
        arguments: those of the command line, unless others are given.

    Raises:
        SystemExit: of everything but success.
    """
    terminals.third_party_bars()
    try:
        _run(command, name, list(sys.argv[1:] if arguments is None else arguments))
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # what is left is the interpreter's own end


def _run(command: click.Command, name: str, words: list[str]) -> None:
    verb = next((word for word in words if not word.startswith("-")), "")
    group = isinstance(command, click.Group)
    with mishaps.program(f"{name} {verb}" if group and verb else name):
        try:
            if f"_{name.upper()}_COMPLETE" in os.environ:
                command.main(words, name, standalone_mode=False)
            # Not `main`: that takes a file that ends early for Ctrl-C, any broken pipe for the terminal's.
            with command.make_context(name, words) as context:
                command.invoke(context)
        except click.exceptions.Exit as stop:
            sys.exit(stop.exit_code)
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)
        except click.Abort:
            raise KeyboardInterrupt from None
