"""Stand-ins for a fold's training that a process of its own can import."""

from __future__ import annotations

import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

from foldship_kernel.errors import FoldshipError


class UnpicklableError(Exception):
    """Needs more to be made than its message."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first + second)


def write_threads(path: Path) -> None:
    import torch

    path.write_text(f"{torch.get_num_threads()} {os.getpid()}")
    print(f"wrote {path.name}")


def write_after(path: Path, other: Path) -> None:
    """Ends only once `other` is there: what it waits for has to run at the same time."""
    path.with_suffix(".begun").touch()
    while not other.exists():
        time.sleep(0.01)
    path.touch()


def wait_for_ever(begun: Path) -> None:
    begun.write_text(str(os.getpid()))
    signal.pause()


def fail_once_begun(kind: str, begun: Path) -> None:
    while not begun.is_file() or not begun.read_text():
        time.sleep(0.01)
    if kind == "foldship":
        raise FoldshipError("the fold failed", fix="mend it")
    if kind == "unpicklable":
        raise UnpicklableError("no ", "way")
    if kind == "os":
        raise OSError(28, "No space left on device", "/a/file")
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Two folds that never end: run as a program, so that a test can stop it."""
    from foldship.training import side_by_side

    folder = Path(sys.argv[1])
    side_by_side.PRELOAD = ["torch"]  # all that these need
    works = [
        side_by_side.Work(name, folder, partial(wait_for_ever, folder / name)) for name in ("first", "second")
    ]
    side_by_side.run(works, 2, lambda folder, running: None)


if __name__ == "__main__":
    main()
