"""What a terminal can show: bars where they can be drawn, a line now and then where they cannot."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Protocol, TextIO, TypeVar, overload

if TYPE_CHECKING:
    from tqdm import tqdm

T = TypeVar("T")

EVERY_S = 20.0  # seconds between two lines
LINE = "{desc}: {percentage:.0f}%, {n_fmt} of {total_fmt} {unit}s [{elapsed}<{remaining}{postfix}]"
_silent = False


class Bar(Protocol):
    """What is told how far something is."""

    def update(self, count: int = 1) -> object:
        """So many units more are done."""


def plain(stream: TextIO | None) -> bool:
    """Whether a stream takes text only: no colours, and nothing that writes over itself.

    So are files and pipes, and terminals where TERM=dumb or NO_COLOR says so.
    """
    if stream is None or os.environ.get("NO_COLOR") or os.environ.get("TERM") in ("dumb", "unknown"):
        return True
    try:
        return not stream.isatty()
    except ValueError:  # it is closed
        return True


def silence() -> None:
    """Show no bars in this process: others have the terminal."""
    global _silent
    _silent = True


def third_party_bars() -> None:
    """Have libraries draw their own bars only where they can be drawn; before these are imported."""
    if plain(sys.stderr):
        os.environ.setdefault("TQDM_DISABLE", "1")
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")


@overload
def bar(items: None = None, *, total: int | None = None, desc: str, unit: str) -> tqdm[Any] | Lines[Any]: ...
@overload
def bar(items: Iterable[T], *, total: int | None = None, desc: str, unit: str) -> tqdm[T] | Lines[T]: ...
def bar(
    items: Iterable[T] | None = None, *, total: int | None = None, desc: str, unit: str
) -> tqdm[T] | Lines[T]:
    """Show how far something is, on standard error.

    Args:
        items: what is gone through; None where `update` is called.
        total: of units; None takes the number of items.
        desc: what is being done.
        unit: of what is counted, in the singular.
    """
    if _silent or not plain(sys.stderr):
        from tqdm import tqdm  # not before: it reads what `third_party_bars` sets

        return tqdm(
            items, total=total, desc=desc, unit=unit, leave=False, dynamic_ncols=True, disable=_silent
        )
    return Lines(items, total, desc, unit)


class Lines(Generic[T]):
    """As a bar of tqdm, in lines: one each `EVERY_S` seconds, so that what is short says nothing."""

    def __init__(self, items: Iterable[T] | None, total: int | None, desc: str, unit: str) -> None:
        self._items = items
        if total is None and isinstance(items, Sized):
            total = len(items)
        self.total, self.n = total, 0
        self._desc, self._unit, self._postfix = desc, unit, ""
        self._began = self._said = time.monotonic()

    def __iter__(self) -> Iterator[T]:
        for item in self._items or ():
            yield item
            self.update()

    def __enter__(self) -> Lines[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def update(self, count: int = 1) -> None:
        """So many units more are done."""
        self.n += count
        now = time.monotonic()
        if now - self._said >= EVERY_S:
            self._said = now
            print(self._line(now), file=sys.stderr, flush=True)

    def set_postfix_str(self, text: str, refresh: bool = True) -> None:
        """What stands at the end of the next line."""
        self._postfix = text

    def set_postfix(self, refresh: bool = True, **values: Any) -> None:
        """The same of named values."""
        self._postfix = ", ".join(f"{name}={value}" for name, value in values.items())

    def close(self) -> None:
        """Nothing is left on the terminal that would have to be taken away."""

    def _line(self, now: float) -> str:
        return progress_line(
            self._desc, self.n, self.total, now - self._began, unit=self._unit, postfix=self._postfix
        )


def progress_line(
    desc: str,
    done: int,
    total: int | None,
    seconds: float,
    *,
    unit: str = "step",
    postfix: str = "",
    first: int = 0,
) -> str:
    """A line that says how far something is, and how long it will take.

    Args:
        desc: what is being done.
        done, total: units.
        seconds: that it took so far.
        unit: of what is counted, in the singular.
        postfix: what else is known.
        first: units that were done before.
    """
    if total is None:
        return f"{desc}: {done:,} {unit}s"
    from tqdm import tqdm

    text: str = tqdm.format_meter(
        done, total, seconds, prefix=desc, initial=first, postfix=postfix, unit=unit, bar_format=LINE
    )
    return text
