"""Clocks that go on, but at another speed each time they are asked."""

from __future__ import annotations

import random
import time

import pytest

CLOCKS = ("monotonic", "perf_counter", "process_time")


def clocks(patch: pytest.MonkeyPatch, seed: int) -> None:
    """Disturb all clocks of the `time` module, so that no two measurements agree."""
    dice = random.Random(seed)
    for name in CLOCKS:
        patch.setattr(time, name, _Clock(getattr(time, name), dice))


class _Clock:
    def __init__(self, real: object, dice: random.Random) -> None:
        self._real, self._dice = real, dice
        self._last = self._shown = real()  # type: ignore[operator]

    def __call__(self) -> float:
        now = self._real()  # type: ignore[operator]
        self._shown += (now - self._last) * self._dice.choice((0.05, 1.0, 20.0))
        self._last = now
        return float(self._shown)
