"""One thing that is wrong with a file."""

from __future__ import annotations

from dataclasses import dataclass

KIND, SECRET = "kind", "secret"


@dataclass(frozen=True)
class Finding:
    """What is wrong, where, and what to do about it.

    Attributes:
        file: path relative to the folder that was looked at.
        what: the kind of thing; of a secret never more than its first four characters.
        fix: the remedy.
        rule: KIND or SECRET.
        line: number from 1, where the file has lines.
    """

    file: str
    what: str
    fix: str
    rule: str
    line: int | None = None

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.what}"
