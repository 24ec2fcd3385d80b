"""What pydantic found wrong, in words: one line per key."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from foldship_kernel.errors import FoldshipError

S = TypeVar("S", bound=BaseModel)

INDENT = "\n            "  # below the first line after "found:"
MOST_SHOWN = 80  # characters of a value
UNKNOWN = "extra_forbidden"  # pydantic's name for a key that no field has


def validated(settings: type[S], value: object, where: str, fix: str, expected: str = "") -> S:
    """`value` as settings.

    Args:
        settings: what it should be.
        value: as it was read.
        where: file, or files, that it was read from.
        fix, expected: what to do, and what would be right, where it cannot be used.

    Raises:
        FoldshipError: a key is unknown, missing, or out of range.
    """
    try:
        return settings.model_validate(value)
    except ValidationError as error:
        raise FoldshipError(
            f"{where}: settings that cannot be used",
            expected=expected,
            found=listed(error, settings),
            fix=fix,
        ) from error


def listed(error: ValidationError, settings: type[BaseModel]) -> str:
    """Every key that cannot be used, with its path, the reason, and the value that was found.

    Args:
        error: of validating `settings`.
        settings: where keys are looked up that resemble an unknown one.
    """
    known = {key for part in parts(settings) for key in part.model_fields}
    return INDENT.join(
        f"{'.'.join(map(str, _path(e['loc']))) or 'file'}: "
        f"{_no_such_key(e['loc'][-1], known) if e['type'] == UNKNOWN else e['msg']} "
        f"(found {_short(e['input'])})"
        for e in error.errors()
    )


def parts(settings: type[BaseModel]) -> list[type[BaseModel]]:
    """Settings and all that they consist of, at any depth."""
    found = [settings]
    for part in found:  # which grows
        for field in part.model_fields.values():
            found += [kind for kind in dict.fromkeys(_kinds(field.annotation)) if kind not in found]
    return found


def _kinds(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _kinds(argument)


def _path(places: Iterable[int | str]) -> list[int | str]:
    """A key's path, without what only says which of several forms a value has."""
    return [place for place in places if not (isinstance(place, str) and "[" in place)]


def _no_such_key(key: object, known: set[str]) -> str:
    close = difflib.get_close_matches(str(key), sorted(known), 1)
    return f"there is no such key{f', did you mean {close[0]}?' if close else ''}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 3] + "..."
