"""One training at a time in a folder of weights: a second one would set aside what the first is writing."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from foldship_kernel.errors import FoldshipError

FILE_NAME = ".lock"


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a folder's lock inside the block; the system lets go of it when the process ends, however it ends.

    Raises:
        FoldshipError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / FILE_NAME).open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise FoldshipError(
                f"{folder}: another training is at work in it",
                found=f"process {file.read().strip()}",
                fix="wait for it, or stop it; what it has finished is kept",
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
