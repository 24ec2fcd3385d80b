"""What came of fetching."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What came of one document."""

    FETCHED = "fetched"
    CACHED = "from cache"
    ABSENT = "not found"
    REFUSED = "refused"  # asking again would not help
    GAVE_UP = "gave up"  # another run may help


HELD = frozenset({Outcome.FETCHED, Outcome.CACHED})


@dataclass(frozen=True)
class Result:
    """What came of one address.

    Attributes:
        url: as given.
        key: of the document, see `addresses.key_of`; empty where `url` is no address on the web.
        outcome: whether the cache holds it now, or why not.
        reason: in words, where it does not.
    """

    url: str
    key: str
    outcome: Outcome
    reason: str = ""

    @property
    def held(self) -> bool:
        """Whether the cache has the document."""
        return self.outcome in HELD


@dataclass(frozen=True)
class FetchReport:
    """What came of all addresses.

    Attributes:
        results: one for each address, in the order given.
        requests: HTTP requests sent, with further tries, redirects and robots.txt.
        seconds: from beginning to end.
    """

    results: tuple[Result, ...]
    requests: int
    seconds: float

    @property
    def documents(self) -> tuple[Result, ...]:
        """The first result of each document: several addresses may lead to one."""
        first: dict[str, Result] = {}
        for result in self.results:
            first.setdefault(result.key or result.url, result)
        return tuple(first.values())

    @property
    def counts(self) -> Mapping[Outcome, int]:
        """Documents by outcome; all outcomes are there."""
        counted = Counter(result.outcome for result in self.documents)
        return {outcome: counted[outcome] for outcome in Outcome}

    @property
    def per_second(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds if self.seconds > 0 else 0.0

    @property
    def complete(self) -> bool:
        """Whether another run would find nothing to do."""
        return self.counts[Outcome.GAVE_UP] == 0
