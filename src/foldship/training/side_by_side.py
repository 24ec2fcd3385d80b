"""Folds side by side on a CPU: each in a process of its own, with its share of the processors.

A small network keeps one thread busy but not two: two processes of one thread each train more tokens a second
than one process of two threads.

The processes are forked from a server that has imported what training needs and has done nothing else: the
imports cost more than ten seconds of a processor, once instead of for each fold.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import torch

from foldship.training import fold_process, progress
from foldship.training.board import Board
from foldship_kernel import devices
from foldship_kernel.errors import FoldshipError

MEMORY_A_JOB = 3 * 2**30  # bytes: a small encoder on 256 tokens
# Not "fork": a torch that has computed may wait, once forked, for threads that it does not have.
SERVER = multiprocessing.get_context("forkserver")
PRELOAD = ["foldship.training.fold_process", "foldship.training.fold"]


@dataclass(frozen=True)
class Work:
    """One fold to train.

    Attributes:
        name: for messages.
        folder: where its files go.
        do: trains it; can be pickled.
        space: bytes that it takes on the disk.
    """

    name: str
    folder: Path
    do: Callable[[], None]
    space: int = 0


# Raises if the disk has no room for a fold (first argument) beside those that run (second).
Room = Callable[[Work, Sequence[Work]], None]


def jobs(wanted: int | None, folds: int) -> int:
    """How many of `folds` folds to train at once.

    Args:
        wanted: what the user asks for; None takes one per thread that torch would use, as far as the memory
            goes.
        folds: that there are to train.
    """
    if torch.cuda.is_available():
        return 1
    if wanted is None:
        wanted = min(_threads(), devices.free_memory() // MEMORY_A_JOB)
    return max(1, min(wanted, folds))


def run(works: Sequence[Work], wanted: int | None, room: Room, finished: int = 0) -> None:
    """Train folds, `jobs` at once; a single one at a time in this process.

    Sums depend on the number of threads. So `finished` folds, of an earlier run that was broken off, count
    when the threads are shared out: the others get as many as they had.

    The first fold that fails ends the others at once; all go on from their checkpoints when they are trained
    again. The processes end with this one, however it ends. A fold that does not fit on the disk beside those
    that run waits for them.

    Raises:
        FoldshipError: there is no room for a fold, or a process was killed.
        Exception: whatever a fold raised, with what `foldship.mishaps.reason.carry` keeps of it.
    """
    count = jobs(wanted, len(works) + finished)
    if count == 1:
        for work in works:
            room(work, ())
            work.do()
        return
    if not works:
        return
    threads = max(1, _threads() // count)
    print(f"{count} folds side by side, {threads} threads each", flush=True)
    waiting, running = deque(works), dict[Connection, tuple[Work, ForkServerProcess]]()
    board = Board(sys.stderr)

    def fill() -> None:
        while waiting and len(running) < count:
            try:
                room(waiting[0], [work for work, _ in running.values()])
            except FoldshipError:
                if not running:
                    raise
                return
            work = waiting.popleft()
            connection, process = _start(work, threads)
            running[connection] = work, process

    try:
        fill()
        while running:
            for connection in wait(list(running)):
                assert isinstance(connection, Connection)
                work, process = running[connection]
                try:
                    message = connection.recv()
                except EOFError:
                    process.join()
                    del running[connection]
                    board.end(work.name)
                    if process.exitcode:
                        raise _died(work, process.exitcode) from None
                    fill()
                    continue
                if isinstance(message, progress.Step):
                    board.show(work.name, message)
                elif isinstance(message, BaseException):
                    raise message
                else:
                    board.say(message)
    finally:
        board.close()
        for _, process in running.values():
            process.kill()  # nothing to tidy up; SIGTERM may be ignored, by inheritance
        for _, process in running.values():
            process.join()


def _threads() -> int:
    return min(devices.threads(), torch.get_num_threads())


def _start(work: Work, threads: int) -> tuple[Connection, ForkServerProcess]:
    ours, theirs = SERVER.Pipe(duplex=False)
    # Pickled here: the task's modules are imported in `train`, whose errors arrive.
    task = pickle.dumps(work.do)
    process = SERVER.Process(
        target=fold_process.train, args=(task, threads, theirs), name=work.name, daemon=True
    )
    SERVER.set_forkserver_preload(PRELOAD)
    # What libraries read when they are imported. The bars of several processes would overwrite each other.
    with _environment({"OMP_NUM_THREADS": str(threads), "TQDM_DISABLE": "1"}):
        process.start()
    theirs.close()
    return ours, process


def _died(work: Work, status: int) -> FoldshipError:
    return FoldshipError(
        f"{work.name}: its process ended in the middle of training",
        found=f"killed by signal {-status}" if status < 0 else f"exit status {status}",
        fix="if memory ran out, train fewer folds at once with --jobs (JOBS=); the same command goes on from "
        "the last checkpoints",
    )


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
