"""Ask again and again, less and less often."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
GROWTH = 1.3


class TooLongError(Exception):
    """What was waited for did not come in time."""


@dataclass(frozen=True)
class Waiting:
    """How to wait.

    Attributes:
        first_s, longest_s: seconds between the first two questions, and at most.
        clock: seconds since some moment.
        sleep: waits so many seconds.
    """

    first_s: float = 2.0
    longest_s: float = 20.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def until(
        self, question: Callable[[], T | None], limit_s: float, meanwhile: Callable[[float], None]
    ) -> T:
        """Ask until the answer is not None.

        Args:
            question: what to ask.
            limit_s: seconds after which it is given up.
            meanwhile: told after each question how many seconds have passed.

        Raises:
            TooLongError: it was given up.
        """
        began, pause = self.clock(), self.first_s
        while True:
            answer = question()
            if answer is not None:
                return answer
            passed = self.clock() - began
            if passed >= limit_s:
                raise TooLongError
            meanwhile(passed)
            self.sleep(min(pause, max(limit_s - passed, 0.0)))
            pause = min(pause * GROWTH, self.longest_s)
