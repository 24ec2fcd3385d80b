"""What was being done when something failed, noted on the exception on its way up."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_NAME = "foldship_doing"  # in the exception's own attributes, which pickle keeps


@contextmanager
def doing(what: str) -> Iterator[None]:
    """Say of whatever fails inside the block that this was being done."""
    try:
        yield
    except BaseException as error:
        note(error, what)
        raise


def step(words: str) -> Callable[[F], F]:
    """Say of whatever fails in a function that this was being done.

    Args:
        words: the function's arguments may stand in it in braces, with their attributes: "{card.name}".
    """

    def decorate(function: F) -> F:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except BaseException as error:
                note(error, _filled(words, signature, args, kwargs))
                raise

        return wrapped  # type: ignore[return-value]

    return decorate


def note(error: BaseException, what: str) -> None:
    """Note on an exception what was being done around all that was noted before."""
    error.__dict__.setdefault(_NAME, []).append(what)


def of(error: BaseException) -> list[str]:
    """What was being done, from the whole to the part; nothing twice."""
    found = list(dict.fromkeys(reversed(error.__dict__.get(_NAME, []))))
    inner = error.__cause__ or error.__context__
    if not found and inner is not None and inner is not error:
        return list(dict.fromkeys(reversed(inner.__dict__.get(_NAME, []))))
    return found


def _filled(words: str, signature: inspect.Signature, args: Any, kwargs: Any) -> str:
    try:
        return words.format(**signature.bind(*args, **kwargs).arguments)
    except Exception:  # the failure itself is what people must hear of
        return words
