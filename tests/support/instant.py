"""Time that passes only where somebody sleeps, and then at once."""

from __future__ import annotations

import asyncio

from foldship.documents.pace import Time


class Instant:
    """Gives a `Time`; `slept` are the waits worth the name, `now` and `today` its clocks."""

    def __init__(self) -> None:
        self.now, self.today, self.slept = 100.0, 1_800_000_000.0, list[float]()

    @property
    def time(self) -> Time:
        return Time(lambda: self.now, self._sleep, lambda: self.today, lambda low, high: (low + high) / 2)

    async def _sleep(self, seconds: float) -> None:
        self.now += seconds
        self.today += seconds
        if seconds:
            self.slept.append(seconds)
        await asyncio.sleep(0)
