"""Sending files, whole or from somewhere in the middle."""

from __future__ import annotations

import re
from email.utils import formatdate
from pathlib import Path

RANGE = re.compile(r"bytes=(\d+)-(\d*)")


def select(path: Path, wanted: str | None, condition: str | None) -> tuple[int, dict[str, str], int, int]:
    """What of a file is to be sent.

    Args:
        path: of the file.
        wanted: the Range header.
        condition: the If-Range header.

    Returns:
        Status, headers, first byte, and length.
    """
    size = path.stat().st_size
    tag = f'"{size:x}-{path.stat().st_mtime_ns:x}"'
    headers = {
        "Content-Type": "application/octet-stream",
        "Accept-Ranges": "bytes",
        "ETag": tag,
        "Last-Modified": formatdate(path.stat().st_mtime, usegmt=True),
    }
    span = RANGE.fullmatch(wanted or "")
    if span is None or (condition and condition != tag):
        return 200, headers, 0, size
    first, last = int(span[1]), min(int(span[2] or size - 1), size - 1)
    if first > last:
        return 416, headers | {"Content-Range": f"bytes */{size}"}, 0, 0
    return 206, headers | {"Content-Range": f"bytes {first}-{last}/{size}"}, first, last - first + 1
