"""How far training is: a bar of its own, or steps told to whoever shows the bars of several folds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """How far a stage is.

    Attributes:
        stage: its name.
        done, total: steps.
        shown: loss and score as they were last measured, in words.
    """

    stage: str
    done: int
    total: int
    shown: str = ""


_tell: ContextVar[Callable[[Step], None] | None] = ContextVar("tell", default=None)


@contextmanager
def told_to(tell: Callable[[Step], None]) -> Iterator[None]:
    """Inside the block training tells its steps, and shows no bar."""
    token = _tell.set(tell)
    try:
        yield
    finally:
        _tell.reset(token)


def listener() -> Callable[[Step], None] | None:
    """Who wants to be told; None where training shows a bar of its own."""
    return _tell.get()
