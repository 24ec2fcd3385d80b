"""Ask until there is an answer that counts: try again what may pass, follow redirects, heed robots.txt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol
from urllib.parse import urljoin

from foldship.config.documents import Documents
from foldship.documents.addresses import host_of, key_of
from foldship.documents.hosts import GivenUpError, Hosts
from foldship.documents.pace import Time, asked_for, growing
from foldship.documents.wire import Answer, BrokenError, RefusedError, Wire

REDIRECTS = frozenset({301, 302, 303, 307, 308})
CROWDED = frozenset({429, 503})  # not this address alone, but the host has too much to do
PASSING = frozenset({408, 425, 429})  # besides all from 500 on


class Robots(Protocol):
    """Who says whether a page may be asked for."""

    async def allow(self, address: str) -> bool: ...


def always_sound(_: Answer) -> str:
    """Take every answer for what it is."""
    return ""


class Asker:
    """All requests of a run go through here.

    Args:
        wire: carries single requests.
        hosts: their limits.
        settings: patience and redirects.
        time: clocks.
        robots: asked before each page, redirects included; None for what robots.txt does not concern.
    """

    def __init__(
        self, wire: Wire, hosts: Hosts, settings: Documents, time: Time, robots: Robots | None = None
    ) -> None:
        self._wire, self._hosts, self._time, self._robots = wire, hosts, time, robots
        self._patience, self._redirects = settings.patience, settings.redirects
        self.asked = 0  # requests that were sent

    async def ask(
        self,
        address: str,
        form: Mapping[str, str] | None = None,
        trouble: Callable[[Answer], str] = always_sound,
    ) -> Answer:
        """The answer that counts: with status 2xx, or 4xx that will not pass.

        Args:
            address: where to begin.
            form: posted if given.
            trouble: says why an answer with status 2xx is none, as a server error in disguise; else empty.

        Raises:
            GivenUpError: it did not come within the patience, or the host is given up.
            RefusedError: robots.txt forbids it, it is too large, or redirects lead nowhere.
        """
        attempt, hops = 1, 0
        while True:
            if self._robots and not await self._robots.allow(address):
                raise RefusedError("robots.txt forbids it")
            answer, why, wait = await self._try(address, form, trouble, attempt)
            if answer is None:
                if attempt == self._patience.attempts:
                    raise GivenUpError(f"{why}, tried {attempt} times" if attempt > 1 else why)
                attempt += 1
                await self._time.sleep(wait)
            elif answer.status in REDIRECTS:
                if hops == self._redirects:
                    raise RefusedError(f"more than {hops} redirects")
                hops += 1
                address = _onward(answer, form is not None)
            else:
                return answer

    async def _try(
        self,
        address: str,
        form: Mapping[str, str] | None,
        trouble: Callable[[Answer], str],
        attempt: int,
    ) -> tuple[Answer | None, str, float]:
        """One request: its answer, or None with the reason and the seconds to wait."""
        host = self._hosts.of(address)
        answer = None
        # What follows from the answer must hold before the next request to this host begins.
        async with host.turn():
            self.asked += 1
            try:
                answer = await self._wire.ask(address, form)
                why = _passing(answer) or (trouble(answer) if answer.status < 300 else "")
            except BrokenError as error:
                why = str(error)
            if not why:
                host.answered()
                return answer, "", 0.0
            wait = growing(attempt, self._patience, self._time)
            asked = asked_for(answer.retry_after, self._time.wall()) if answer else None
            if asked is not None and asked > self._patience.longest_s:
                host.give_up(f"{why}, asks to come back in {asked:.0f} s")
                wait = 0.0
            elif asked is not None or (answer and answer.status in CROWDED):
                # The others wait as well; who comes back must get in line.
                host.pause(wait if asked is None else asked)
                wait = 0.0
            host.failed(why)
            return None, why, wait


def _passing(answer: Answer) -> str:
    passing = answer.status in PASSING or answer.status >= 500
    return f"answered {answer.status}" if passing else ""


def _onward(answer: Answer, posted: bool) -> str:
    """Where a redirect leads.

    Raises:
        RefusedError: nowhere, or what was posted would go to another host.
    """
    try:
        address = urljoin(answer.address, answer.location or "")
    except ValueError:
        address = ""
    if not answer.location or key_of(address) is None:
        raise RefusedError(f"a redirect to {answer.location or 'nowhere'}")
    if posted and host_of(address) != host_of(answer.address):
        raise RefusedError(f"redirected to another host, {host_of(address)}")
    return address
