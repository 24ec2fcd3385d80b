"""From a request to entries of the cache."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from foldship.documents.asking import Asker
from foldship.documents.cache import Entry
from foldship.documents.hosts import GivenUpError
from foldship.documents.pace import Time
from foldship.documents.report import Outcome
from foldship.documents.sources import Piece, Request, Source, Target
from foldship.documents.wire import Answer, RefusedError, TooLargeError

GONE = 404
DIVISIBLE = frozenset({400, 404, 413, 414})  # of a batch: without some of it, there may be an answer


class Settle(Protocol):
    """Told once what came of each document."""

    def __call__(self, target: Target, outcome: Outcome, reason: str = "") -> None: ...


class Delivery:
    """Brings documents of one source.

    Args:
        source: knows what an answer holds.
        asker: gets the answers.
        keep: puts an entry into the cache.
        settle: told what came of each document, when it is kept.
        time: clocks.
    """

    def __init__(
        self,
        source: Source,
        asker: Asker,
        keep: Callable[[Entry], Awaitable[None]],
        settle: Settle,
        time: Time,
    ) -> None:
        self._source, self._asker, self._time = source, asker, time
        self._keep, self._settle = keep, settle

    async def bring(self, request: Request) -> None:
        """Get and keep what a request is for; in halves where the whole cannot be had.

        Raises:
            OSError: the cache cannot be written.
        """
        many = len(request.targets) > 1
        try:
            answer = await self._asker.ask(request.address, request.form, self._source.trouble)
        except GivenUpError as error:
            return self._settle_all(request, Outcome.GAVE_UP, str(error))
        except RefusedError as error:
            if many and isinstance(error, TooLargeError):
                return await self._halve(request)
            return self._settle_all(request, Outcome.REFUSED, str(error))
        if 200 <= answer.status < 300:
            pieces = self._source.split(request, answer)
            if pieces is None:
                return await self._halve(request)
            for target in request.targets:
                await self._take(target, answer, pieces[target.key])
        elif many and answer.status in DIVISIBLE:
            await self._halve(request)
        elif answer.status in self._source.absent:
            for target in request.targets:
                await self._take(target, answer, None)
        else:
            self._settle_all(request, Outcome.REFUSED, f"answered {answer.status}")

    async def _halve(self, request: Request) -> None:
        middle = len(request.targets) // 2
        for half in (request.targets[:middle], request.targets[middle:]):
            for smaller in self._source.requests(half):
                await self.bring(smaller)

    async def _take(self, target: Target, answer: Answer, piece: Piece | None) -> None:
        now = self._time.wall()
        if piece:
            kind, body = piece.kind, piece.body
            await self._keep(Entry(target.key, target.url, answer.address, answer.status, kind, now, body))
            self._settle(target, Outcome.FETCHED)
        else:
            left_out = answer.status < 300  # of a batch
            status = GONE if left_out else answer.status
            await self._keep(Entry(target.key, target.url, answer.address, status, "", now, b""))
            self._settle(
                target, Outcome.ABSENT, "the answer leaves it out" if left_out else f"answered {status}"
            )

    def _settle_all(self, request: Request, outcome: Outcome, reason: str) -> None:
        for target in request.targets:
            self._settle(target, outcome, reason)
