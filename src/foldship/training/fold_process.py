"""What runs in the process of a fold that is trained beside others."""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from io import TextIOBase
from multiprocessing.connection import Connection, wait

import torch

from foldship.training import failed_threads, progress
from foldship_kernel.errors import FoldshipError

# As the program does for itself: imported after this, bitsandbytes warns of what concerns no one here.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)


def train(task: bytes, threads: int, connection: Connection) -> None:
    """Train, and tell the parent what would otherwise go to the terminal.

    Args:
        task: the training, a pickled callable.
        threads: that torch may use.
        connection: takes printed lines, steps, and at last the exception that ended the training, if any.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which ends this process
    threading.excepthook = failed_threads.tell
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with redirect_stdout(_Lines(connection)), progress.told_to(connection.send):
        try:
            torch.set_num_threads(threads)
            do: Callable[[], None] = pickle.loads(task)  # from the parent's memory alone
            do()
        except Exception as error:
            connection.send(_sendable(error))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _sendable(error: Exception) -> Exception:
    """`error` with its traceback as a note, in a form that survives the way to another process."""
    if not isinstance(error, FoldshipError):
        error.add_note("In the fold's process:\n" + "".join(traceback.format_exception(error)))
    with suppress(Exception):
        if type(pickle.loads(pickle.dumps(error))) is type(error):
            return error
    return RuntimeError("".join(traceback.format_exception(error)))


class _Lines(TextIOBase):
    """Sends what is written to it, line by line."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._rest = connection, ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._connection.send(line)
        return len(text)
