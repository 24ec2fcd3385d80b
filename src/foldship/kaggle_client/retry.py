"""Try again what may go better the next time: too many calls, a server's trouble, a broken line."""

from __future__ import annotations

import email.utils
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import requests

from foldship.kaggle_client.answers import status_of

T = TypeVar("T")
PASSING = frozenset({429, 500, 502, 503, 504})  # HTTP statuses that may pass


@dataclass(frozen=True)
class Patience:
    """How long to go on trying.

    Attributes:
        attempts: calls in all.
        first_s: seconds before the second one; each further wait is twice as long, give or take a quarter.
        longest_s: no wait is longer, whatever Kaggle asks for.
        sleep: waits so many seconds.
    """

    attempts: int = 6
    first_s: float = 1.0
    longest_s: float = 120.0
    sleep: Callable[[float], None] = time.sleep


class NotTakenError(requests.ConnectionError):
    """An upload that was refused or broke off; its text says which."""


def repeat(function: Callable[[], T], patience: Patience, say: Callable[[str], None]) -> T:
    """Call until it succeeds, fails for good, or patience ends; then the last error is raised.

    Args:
        function: may raise `requests.RequestException`.
        patience: how often, and how long to wait.
        say: told before each wait.
    """
    for attempt in range(1, patience.attempts):
        try:
            return function()
        except requests.RequestException as error:
            if not passing(error):
                raise
            asked = _asked_for(error)
            wait = min(_growing(attempt, patience) if asked is None else asked, patience.longest_s)
            say(f"{_short(error)}; trying again in {wait:.0f} s ({attempt} of {patience.attempts})")
            patience.sleep(wait)
    return function()


def passing(error: requests.RequestException) -> bool:
    """Whether the trouble may pass by itself."""
    if error.response is not None:
        return status_of(error.response) in PASSING
    return isinstance(
        error, (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
    )


def _growing(attempt: int, patience: Patience) -> float:
    # Apart from one another, so that many clients do not come back at once.
    return patience.first_s * float(2 ** (attempt - 1)) * random.uniform(0.75, 1.25)


def _asked_for(error: requests.RequestException) -> float | None:
    """Seconds of the answer's Retry-After, a number or date (RFC 9110, 10.2.3); None if it means nothing."""
    text = error.response.headers.get("Retry-After") if error.response is not None else None
    try:
        seconds = float(text or "nan")
    except ValueError:
        seconds = _until(str(text))
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _until(date: str) -> float:
    """Seconds until a date; below 0 when it is past, NaN if it is none."""
    try:
        return email.utils.parsedate_to_datetime(date).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError, OSError):
        return math.nan


def _short(error: requests.RequestException) -> str:
    if error.response is not None:
        return f"Kaggle answered {status_of(error.response)} {error.response.reason}"
    return str(error) if isinstance(error, NotTakenError) else "the connection to Kaggle broke"
