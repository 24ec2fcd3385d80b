"""A private folder for one rehearsal, cleared away however it ends."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import psutil

PREFIX = ".rehearsal-"  # then the process id


@contextmanager
def private_folder(parent: Path) -> Iterator[Path]:
    """Yield a new folder below `parent`. Ctrl-C and SIGTERM remove it; after SIGKILL the next run does."""
    for stale in parent.glob(f"{PREFIX}*"):
        if not psutil.pid_exists(int(stale.name.removeprefix(PREFIX).partition("-")[0])):
            shutil.rmtree(stale, ignore_errors=True)
    with (
        _ended_by_signal(),
        tempfile.TemporaryDirectory(
            prefix=f"{PREFIX}{os.getpid()}-", dir=parent, ignore_cleanup_errors=True
        ) as name,
    ):
        yield Path(name)


@contextmanager
def _ended_by_signal() -> Iterator[None]:
    """Let a SIGTERM clear up as Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
