"""One error type whose message tells a person what to do next."""

from __future__ import annotations


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


class BundleError(FoldshipError):
    """A bundle is incomplete or damaged."""


class SubmissionError(FoldshipError):
    """A submission would not be accepted by the competition."""
