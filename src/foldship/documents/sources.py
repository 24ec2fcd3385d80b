"""Where documents come from: which requests bring them, and what an answer holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from foldship.documents.wire import Answer

GONE = frozenset({404, 410})


@dataclass(frozen=True)
class Target:
    """A document that is wanted: its key, and the first address it was given by."""

    key: str
    url: str


@dataclass(frozen=True)
class Request:
    """One request for one or more documents.

    Attributes:
        address: to ask.
        targets: what it is to bring.
        form: what is posted; None for a plain GET.
    """

    address: str
    targets: tuple[Target, ...]
    form: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Piece:
    """One document out of an answer."""

    kind: str
    body: bytes


class Source(Protocol):
    """A way to documents.

    Attributes:
        absent: statuses which say, of a single document, that it does not exist.
        robots: whether robots.txt has a say.
    """

    absent: frozenset[int]
    robots: bool

    def takes(self, target: Target) -> bool:
        """Whether the document can be had here."""

    def requests(self, targets: Sequence[Target]) -> list[Request]:
        """What to ask for these."""

    def trouble(self, answer: Answer) -> str:
        """Why an answer with status 2xx is a passing failure in disguise; empty if it is not."""

    def split(self, request: Request, answer: Answer) -> dict[str, Piece | None] | None:
        """Each target's document by key, None for one that does not exist.

        The whole is None where the answer cannot be taken apart: smaller requests may do better.
        """


class Pages:
    """Every address is a page of its own."""

    absent = GONE
    robots = True

    def takes(self, target: Target) -> bool:
        return True

    def requests(self, targets: Sequence[Target]) -> list[Request]:
        return [Request(target.url.strip().partition("#")[0], (target,)) for target in targets]

    def trouble(self, answer: Answer) -> str:
        return ""

    def split(self, request: Request, answer: Answer) -> dict[str, Piece | None] | None:
        return {request.targets[0].key: Piece(answer.kind, answer.body)}
