"""One error type whose message tells a person what to do next."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 12  # names listed in an error before the rest is only counted
NEW_FILE = "download the competition's files again, or mend this one"


class FoldshipError(Exception):
    """Something the user can mend.

    Args:
        what: one line naming the problem, including where (file, column, row).
        expected: what would have been right.
        found: what was there instead.
        fix: the next thing to do.

    The message holds one line each for what was given.
    """

    def __init__(self, what: str, *, expected: str = "", found: str = "", fix: str = "") -> None:
        self.what, self.expected, self.found, self.fix = what, expected, found, fix
        lines = [what]
        for label, text in (("expected", expected), ("found", found), ("fix", fix)):
            if text:
                lines.append(f"  {label + ':':<10}{text}")
        super().__init__("\n".join(lines))


class DataError(FoldshipError):
    """A competition file is missing or malformed."""


class MissingColumnError(DataError):
    """A table lacks a column that it should have, or has it twice."""


class BundleError(FoldshipError):
    """A bundle is incomplete or damaged."""


class SubmissionError(FoldshipError):
    """A submission would not be accepted by the competition."""


def listed(names: Sequence[str]) -> str:
    """`names` on one line, a long list cut short."""
    shown = ", ".join(names[:SHOWN])
    return f"{shown} and {len(names) - SHOWN} more" if len(names) > SHOWN else shown
