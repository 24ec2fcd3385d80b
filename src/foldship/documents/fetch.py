"""Fetch documents into a cache: only what is missing, and no faster than their hosts allow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from foldship.config.documents import Documents
from foldship.documents.addresses import key_of
from foldship.documents.asking import Asker
from foldship.documents.cache import Cache, Entry
from foldship.documents.delivery import Delivery
from foldship.documents.eutils import PubMed
from foldship.documents.hosts import Hosts
from foldship.documents.pace import Time
from foldship.documents.report import FetchReport, Outcome, Result
from foldship.documents.robots import RobotsFiles
from foldship.documents.sources import Pages, Source, Target
from foldship.documents.wire import Wire, connect
from foldship.terminals import Bar
from foldship.terminals import bar as progress_bar

DAY_S = 24 * 3600.0
Connect = Callable[[Documents], AbstractAsyncContextManager[Wire]]


def fetch(
    urls: Sequence[str],
    cache_folder: Path,
    settings: Documents,
    *,
    time: Time | None = None,
    connection: Connect = connect,
) -> FetchReport:
    """Bring the documents at some addresses into a cache.

    What the cache holds is not asked for again, so a run that was stopped goes on where it was. No trouble
    with a document or host is an exception; it is in the report.

    Args:
        urls: addresses; several may lead to one document, which is fetched once.
        cache_folder: made if it is missing. Several runs may share it.
        settings: limits, patience, sources.
        time: clocks; those of the machine if None.
        connection: opens what carries the requests.

    Raises:
        OSError: the cache cannot be written.
        KeyboardInterrupt: on Ctrl-C, when all connections are closed; what came until then is kept.
    """
    run = _Run(urls, Cache(cache_folder), settings, time or Time())
    return asyncio.run(run.all(connection))


class _Run:
    def __init__(self, urls: Sequence[str], cache: Cache, settings: Documents, time: Time) -> None:
        self._urls, self._cache, self._settings, self._time = urls, cache, settings, time
        self._outcomes: dict[str, tuple[Outcome, str]] = {}
        self._bar: Bar

    async def all(self, connection: Connect) -> FetchReport:
        began = self._time.now()
        asked = 0
        wanted: dict[str, Target] = {}
        for url in self._urls:
            if key := key_of(url):
                wanted.setdefault(key, Target(key, url))
        with progress_bar(total=len(wanted), desc="documents", unit="document") as self._bar:
            missing = [target for target in wanted.values() if not self._remembered(target)]
            if missing:
                async with connection(self._settings) as wire:
                    asked = await self._bring(missing, wire)
        results = tuple(self._result(url) for url in self._urls)
        return FetchReport(results, asked, self._time.now() - began)

    async def _bring(self, missing: Sequence[Target], wire: Wire) -> int:
        """Fetch what is missing; returns how many requests that took."""
        hosts = Hosts(self._settings, self._time)
        plain = Asker(wire, hosts, self._settings, self._time)
        longest_s = self._settings.patience.longest_s
        robots = RobotsFiles(plain, hosts, longest_s) if self._settings.robots else None
        careful = Asker(wire, hosts, self._settings, self._time, robots)
        by_source: dict[Source, list[Target]] = {}
        sources: list[Source] = [Pages()]
        if self._settings.pubmed == "api":
            sources.insert(0, PubMed(self._settings))
        for target in missing:
            source = next(source for source in sources if source.takes(target))
            by_source.setdefault(source, []).append(target)
        try:
            async with asyncio.TaskGroup() as tasks:
                for source, targets in by_source.items():
                    delivery = Delivery(
                        source, careful if source.robots else plain, self._keep, self._settle, self._time
                    )
                    for request in source.requests(targets):
                        tasks.create_task(delivery.bring(request))
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None
        return plain.asked + careful.asked

    def _remembered(self, target: Target) -> bool:
        entry = self._cache.get(target.key)
        if entry is None:
            return False
        if entry.found:
            self._settle(target, Outcome.CACHED)
        elif self._time.wall() - entry.time < self._settings.absent_days * DAY_S:
            self._settle(target, Outcome.ABSENT, f"answered {entry.status} before")
        else:
            return False
        return True

    async def _keep(self, entry: Entry) -> None:
        # Packing and the disk take their time; the others go on meanwhile.
        await asyncio.to_thread(self._cache.put, entry)

    def _settle(self, target: Target, outcome: Outcome, reason: str = "") -> None:
        self._outcomes[target.key] = outcome, reason
        self._bar.update()

    def _result(self, url: str) -> Result:
        key = key_of(url)
        if key is None:
            return Result(url, "", Outcome.REFUSED, "not an http or https address")
        return Result(url, key, *self._outcomes[key])
