"""Time, as far as politeness needs it, and how long to wait before the next try."""

from __future__ import annotations

import asyncio
import email.utils
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from foldship.config.documents import Patience


@dataclass(frozen=True)
class Time:
    """The clocks and the chance that fetching goes by.

    Attributes:
        now: seconds that only ever grow.
        sleep: waits so many seconds.
        wall: seconds since 1970.
        between: a random number between two.
    """

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    wall: Callable[[], float] = time.time
    between: Callable[[float, float], float] = random.uniform


def growing(attempt: int, patience: Patience, time: Time) -> float:
    """Seconds to wait after so many failed attempts; not all that failed together come back at once."""
    return min(patience.first_s * 2.0 ** (attempt - 1) * time.between(0.75, 1.25), patience.longest_s)


def asked_for(retry_after: str | None, wall: float) -> float | None:
    """Seconds that a Retry-After header asks to wait, given as a number or a date (RFC 9110, 10.2.3).

    Args:
        retry_after: the header; None where there is none.
        wall: now, in seconds since 1970.
    """
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - wall)
    except (ValueError, OverflowError):
        return None
