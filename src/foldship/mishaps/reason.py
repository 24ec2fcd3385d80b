"""Why something failed, unabridged: an exception's own words, and those of all that caused it."""

from __future__ import annotations

import subprocess
import traceback
from collections.abc import Iterator

_WORKERS = "foldship_worker"  # attribute of an exception that came from another process, see `carry`
MOST_CAUSES = 20


def words(error: BaseException) -> str:
    """An exception in words, its type first; where it has none, the place where it was raised."""
    kind = type(error).__name__
    text = _text(error)
    if isinstance(error, subprocess.CalledProcessError):
        said = [_decoded(stream) for stream in (error.stdout, error.stderr) if stream]
        text = "\n".join([text, *filter(None, said)])
    if isinstance(error, BaseExceptionGroup):
        parts = [words(each) for each in error.exceptions]
        text = "\n".join([text, *(f"- {part}" for part in parts)])
    if not text:
        text = _place(error)
    return f"{kind}: {text}" if text else kind


def causes(error: BaseException) -> list[str]:
    """What caused it, the nearest first; what says nothing new is left out."""
    carried: dict[str, list[str]] = error.__dict__.get(_WORKERS, {})
    said, found = words(error), list(carried.get("causes", ()))
    for each in _chain(error):
        text = words(each)
        if text not in said and text not in found:
            found.append(text)
    return found[:MOST_CAUSES]


def chain(error: BaseException) -> list[BaseException]:
    """The exception and all that caused it or is in it."""
    found = []
    for each in (error, *_chain(error)):
        found.append(each)
        if isinstance(each, BaseExceptionGroup):
            found += [inner for part in each.exceptions for inner in chain(part)]
    return found


def trace(error: BaseException) -> str:
    """The traceback, and before it that of the process where it happened."""
    carried: dict[str, str] = error.__dict__.get(_WORKERS, {})
    own = "".join(traceback.format_exception(error))
    return f"In the worker process:\n{carried['trace']}\n{own}" if carried else own


def carry(error: BaseException) -> None:
    """Put causes and traceback into attributes: pickle keeps these, and loses the chain."""
    error.__dict__[_WORKERS] = {"causes": causes(error), "trace": trace(error)}


def taken_from(error: BaseException, other: BaseException) -> None:
    """Give `error` all that was noted on another one, which it stands for."""
    error.__dict__.update(other.__dict__)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen = {id(error)}
    inner: BaseException | None = error
    while inner is not None:
        inner = inner.__cause__ or (None if inner.__suppress_context__ else inner.__context__)
        if inner is None or id(inner) in seen:
            return
        seen.add(id(inner))
        yield inner


def _text(error: BaseException) -> str:
    try:
        return str(error).strip()
    except Exception:  # an exception whose own words fail
        return ""


def _decoded(stream: str | bytes) -> str:
    return (stream.decode(errors="replace") if isinstance(stream, bytes) else stream).strip()


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return ""
    line = f": {frames[-1].line}" if frames[-1].line else ""
    return f"in {frames[-1].name}, line {frames[-1].lineno} of {frames[-1].filename}{line}"
