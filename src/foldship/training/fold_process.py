"""What runs in the process of a fold that is trained beside others."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from io import TextIOBase
from multiprocessing.connection import Connection, wait

import torch

from foldship import terminals
from foldship.mishaps import hooks, reason
from foldship.training import progress

hooks.quiet()  # before libraries that read this are imported


FAILED = 1  # exit status


def train(task: bytes, threads: int, connection: Connection) -> None:
    """Train, and tell the parent what would otherwise go to the terminal.

    Args:
        task: the training, a pickled callable.
        threads: that torch may use.
        connection: takes printed lines, steps, and at last the exception that ended the training, if any.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which ends this process
    hooks.install()
    terminals.silence()  # the parent shows how far this is
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with redirect_stdout(_Lines(connection)), progress.told_to(connection.send):
        try:
            torch.set_num_threads(threads)
            do: Callable[[], None] = pickle.loads(task)  # from the parent's memory alone
            do()
        except Exception as error:
            try:
                connection.send(_sendable(error))
            except Exception:  # not even room for that: the parent tells of the status
                os._exit(FAILED)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _sendable(error: Exception) -> Exception:
    """`error` with its causes and traceback, in a form that survives the way to another process."""
    reason.carry(error)
    with suppress(Exception):
        arrived = pickle.loads(pickle.dumps(error))
        if type(arrived) is type(error) and str(arrived) == str(error):
            return error
    plain = RuntimeError(reason.words(error))
    reason.taken_from(plain, error)
    return plain


class _Lines(TextIOBase):
    """Sends what is written to it, line by line."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._rest = connection, ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._connection.send(line)
        return len(text)
