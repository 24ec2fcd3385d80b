"""Faults to inject with `Site.fail`: each takes a request, and the way to have it answered properly."""

from __future__ import annotations

from typing import Any

from kaggle_site.answers import Answer, Dropped
from kaggle_site.exchange import Exchange, Fault, Proceed


def status(code: int, message: str = "", *, retry_after: float | None = None) -> Fault:
    """The request is refused with this HTTP status; nothing is carried out."""
    headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}

    def fault(exchange: Exchange, proceed: Proceed) -> Answer:
        return Answer(code, {"code": code, "message": message or f"Error {code}"}, headers=headers)

    return fault


def error_in_body(message: str, code: int | None = None) -> Fault:
    """Status 200 with an error in the body, as {"code", "message"} where a code is given."""
    body: dict[str, Any] = {"error": message} if code is None else {"code": code, "message": message}

    def fault(exchange: Exchange, proceed: Proceed) -> Answer:
        return Answer(200, {"status": "error", **body} if "Dataset" in exchange.method else body)

    return fault


def answer_lost(exchange: Exchange, proceed: Proceed) -> Answer:
    """The request is carried out, and the connection closed without an answer."""
    proceed()
    raise Dropped
