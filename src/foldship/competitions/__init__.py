"""What differs between competitions ashore: one module each, found by name."""

from __future__ import annotations

from foldship.competitions import quest
from foldship.competitions.base import Competition
from foldship_kernel.errors import FoldshipError

_COMPETITIONS = {competition.name: competition for competition in (quest.COMPETITION,)}
NAMES = tuple(_COMPETITIONS)


def get(name: str) -> Competition:
    """Return the competition called `name`.

    Raises:
        FoldshipError: there is no such competition.
    """
    if name not in _COMPETITIONS:
        raise FoldshipError(
            f"unknown competition '{name}'", expected=", ".join(NAMES), fix="name one of these"
        )
    return _COMPETITIONS[name]
