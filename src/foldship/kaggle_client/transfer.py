"""Downloads that are whole, or raise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import requests

PIECE = 1 << 20  # bytes
TIMEOUT_S = (20.0, 120.0)  # to connect, and between two pieces


def ignore(_: int) -> None:
    """Take no notice of how much has come."""


def save(answer: requests.Response, target: Path, advance: Callable[[int], object] = ignore) -> None:
    """Write an answer's body to a file, replaced only when it is whole.

    Args:
        answer: with the body still to be read.
        target: file to write.
        advance: told the number of bytes as they come.

    Raises:
        requests.RequestException: an HTTP error, or the line broke.
    """
    part = target.with_name(f".{target.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        with answer, part.open("wb") as stream:
            answer.raise_for_status()
            for piece in answer.iter_content(PIECE):
                stream.write(piece)
                advance(len(piece))
        announced = answer.headers.get("Content-Length")
        found = part.stat().st_size
        # With an encoding, the announced length is that of what travelled.
        if announced and "Content-Encoding" not in answer.headers and found != int(announced):
            raise requests.ConnectionError(f"{found} of {announced} bytes came")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def fetch(url: str, target: Path, advance: Callable[[int], object] = ignore) -> None:
    """Download an address without signing in; raises as `save` does."""
    save(requests.get(url, stream=True, timeout=TIMEOUT_S), target, advance)
