"""How a check was answered, wherever checks are made and shown."""

from __future__ import annotations

import enum


class Level(enum.StrEnum):
    """How a check's question was answered; the value is what people read."""

    PASSED = "passed"
    WARNING = "warning"
    FAILED = "FAILED"
    NOT_ASKED = "not asked"

    @staticmethod
    def of(passed: bool | None, *, warned: bool = False) -> Level:
        """The level of a check that is kept, not kept, or (None) that nobody could make.

        Args:
            passed: whether it is kept.
            warned: whether it is kept, and yet something should be looked at.
        """
        if passed is None:
            return Level.NOT_ASKED
        if not passed:
            return Level.FAILED
        return Level.WARNING if warned else Level.PASSED
