"""What a site lets programs read (RFC 9309)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from urllib.parse import urljoin

from protego import Protego

from foldship.documents.asking import Asker
from foldship.documents.hosts import GivenUpError, Hosts
from foldship.documents.wire import RefusedError

AGENT = "foldship"


class RobotsFiles:
    """Every site's robots.txt, asked for once a run.

    Args:
        asker: how to ask for it.
        hosts: told of a Crawl-delay.
        longest_s: no such delay is longer.
    """

    def __init__(self, asker: Asker, hosts: Hosts, longest_s: float) -> None:
        self._asker, self._hosts, self._longest_s = asker, hosts, longest_s
        self._reading: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._known: dict[str, Protego | GivenUpError] = {}

    async def allow(self, address: str) -> bool:
        """Whether a page may be read; where there is no robots.txt, all may (RFC 9309, 2.3.1.3).

        Raises:
            GivenUpError: robots.txt cannot be had now, which forbids all (RFC 9309, 2.3.1.4).
        """
        place = urljoin(address, "/robots.txt")
        async with self._reading[place]:
            if place not in self._known:
                self._known[place] = await self._read(place)
        rules = self._known[place]
        if isinstance(rules, GivenUpError):
            raise rules
        return rules.can_fetch(address, AGENT)

    async def _read(self, place: str) -> Protego | GivenUpError:
        try:
            answer = await self._asker.ask(place)
        except GivenUpError as error:
            return GivenUpError(f"robots.txt: {error}")
        except RefusedError:  # too large, or redirects that lead nowhere: as if there were none
            return Protego.parse("")
        found = 200 <= answer.status < 300
        rules = Protego.parse(answer.body.decode("utf-8", "replace") if found else "")
        if delay := rules.crawl_delay(AGENT):
            self._hosts.of(place).slow_down(1 / min(delay, self._longest_s))
        return rules
