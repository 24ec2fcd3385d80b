"""A time of the tests' own."""

from __future__ import annotations


class Clock:
    """Stands in for `time.monotonic`; it is `now` until a test says otherwise."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now
