"""Each host's limits: who may ask it when, and whether it is still worth asking."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from foldship.config.documents import Documents, Limits
from foldship.documents.addresses import host_of
from foldship.documents.pace import Time

_TICK_S = 1e-6  # waits that are not worth waiting


class GivenUpError(Exception):
    """The host is not asked any more in this run; the text says why."""


class Host:
    """One host. All requests to it go through `turn`."""

    def __init__(self, limits: Limits, give_up_after: int, everyone: asyncio.Semaphore, time: Time) -> None:
        self._interval_s = 1 / limits.per_second
        self._places = asyncio.Semaphore(limits.concurrent)
        self._everyone = everyone
        self._start = asyncio.Lock()
        self._time = time
        self._next = time.now()
        self._give_up_after = give_up_after
        self._failures = 0
        self._why = ""

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until one more request may be made, and hold its place while it is.

        Raises:
            GivenUpError: none may be made any more.
        """
        async with self._places:
            # Starts go one by one, so that they keep their distance even where all hosts' places are taken:
            # nobody waits for a host's clock while holding one of these.
            async with self._start:
                await self._until_next()
                await self._everyone.acquire()
                self._next = self._time.now() + self._interval_s
            try:
                yield
            finally:
                self._everyone.release()

    def pause(self, seconds: float) -> None:
        """Let nobody begin before so many seconds are over."""
        self._next = max(self._next, self._time.now() + seconds)

    def slow_down(self, per_second: float) -> None:
        """Keep to no more than so many requests per second."""
        self._interval_s = max(self._interval_s, 1 / per_second)

    def answered(self) -> None:
        """The host works: earlier failures no longer count."""
        self._failures = 0

    def failed(self, why: str) -> None:
        """Count a failure; too many in a row, and the host is given up."""
        self._failures += 1
        if self._failures >= self._give_up_after:
            self.give_up(f"{self._failures} failures in a row, the last: {why}")

    def give_up(self, why: str) -> None:
        """Ask no more."""
        self._why = self._why or why

    async def _until_next(self) -> None:
        while True:
            if self._why:
                raise GivenUpError(self._why)
            wait = self._next - self._time.now()
            if wait < _TICK_S:
                return
            await self._time.sleep(wait)


class Hosts:
    """All hosts of a run, by name."""

    def __init__(self, settings: Documents, time: Time) -> None:
        self._settings = settings
        self._time = time
        self._everyone = asyncio.Semaphore(settings.concurrent)
        self._known: dict[str, Host] = {}

    def of(self, address: str) -> Host:
        """The host that an address asks.

        Raises:
            ValueError: it is no address on the web.
        """
        name = host_of(address)
        if name not in self._known:
            limits = self._settings.hosts.get(name, self._settings.limits)
            give_up_after = self._settings.patience.give_up_after
            self._known[name] = Host(limits, give_up_after, self._everyone, self._time)
        return self._known[name]
