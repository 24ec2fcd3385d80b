"""What the stand-in answers with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WORDS = {
    400: "FAILED_PRECONDITION",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


@dataclass
class Answer:
    """An HTTP answer: a JSON object, or a file.

    Attributes:
        status: of HTTP.
        body: to be sent as JSON, nearly always an object; None for none.
        file: to be sent instead, ranges allowed.
        headers: besides those of the content.
        cut: bytes of the content after which the connection breaks off; None for never.
    """

    status: int = 200
    body: Any = None
    file: Path | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


Methods = dict[str, Callable[[dict[str, Any]], "dict[str, Any] | Answer"]]


class Refused(Exception):  # noqa: N818 - it is an answer, not a failure of the stand-in
    """A request that is answered with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.answer = error(status, message)


def error(status: int, message: str) -> Answer:
    """An error as api.kaggle.com words it. The client looks for "code" in vain, and hides the message."""
    return Answer(
        status, {"error": {"code": status, "message": message, "status": WORDS.get(status, "UNKNOWN")}}
    )


class Dropped(Exception):  # noqa: N818 - likewise
    """The connection is closed without an answer."""


def page(entries: list[Any], request: dict[str, Any], most: int) -> tuple[list[Any], str]:
    """One page of `entries`, and the token of the next one, "" after the last.

    Args:
        entries: all of them.
        request: with `pageSize` and `pageToken`, if any.
        most: entries that a page holds at the most.

    Raises:
        Refused: the token is not one that was given out.
    """
    token = request.get("pageToken") or "page-0"
    start = token.removeprefix("page-")
    if not start.isdigit() or int(start) > len(entries):
        raise Refused(400, "Invalid page token")
    first = int(start)
    last = first + min(request.get("pageSize") or 20, most)
    return entries[first:last], f"page-{last}" if last < len(entries) else ""
