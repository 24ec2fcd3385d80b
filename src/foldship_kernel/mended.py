"""What was odd in a competition's files, and was read all the same. Standard library only."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Mended:
    """One kind of oddity.

    Attributes:
        what: the file, what was odd in it, and how it was read.
        count: how often.
        first: where it was met first: a line, a row, an id or a name.
    """

    what: str
    count: int
    first: str

    def __str__(self) -> str:
        return f"{self.what} ({self.count:,}, the first: {self.first})"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Mending:
    """Collects oddities as they are met.

    Args:
        file: name of the file that they are in.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._found: dict[str, tuple[int, str]] = {}

    def note(self, what: str, first: str, count: int = 1) -> None:
        """Count an oddity; a kind's first place is kept."""
        before, place = self._found.get(what, (0, first))
        self._found[what] = before + count, place

    @property
    def found(self) -> tuple[Mended, ...]:
        """All kinds, in the order in which they were met."""
        return tuple(
            Mended(f"{self._file}: {what}", count, first) for what, (count, first) in self._found.items()
        )
