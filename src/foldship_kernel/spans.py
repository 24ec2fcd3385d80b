"""Parts of a text that matter: marked in it by characters that no text has of its own, and never cut.

A task marks spans where it makes a text of a row's columns; here the marks are taken out again, and tokens
get to know which spans they belong to. Spans may touch, overlap and lie in each other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MOST = 8  # spans of a text, by number; which of them a token belongs to fits into 8 bits
# Private use: the beginning of span 0, its end, the beginning of span 1 ...
_FIRST = 0xE100
_MARK = re.compile(f"[{chr(_FIRST)}-{chr(_FIRST + 2 * MOST - 1)}]")

Extents = Sequence[tuple[int, int, int]]  # number, start and stop of each span


def mark(number: int, text: str) -> str:
    """`text` as span `number`."""
    return f"{chr(_FIRST + 2 * number)}{text}{chr(_FIRST + 2 * number + 1)}"


def clear(text: str) -> str:
    """A text from outside, without characters that would be taken for marks."""
    return _MARK.sub("", text)


def has_any(text: str) -> bool:
    """Whether a text has spans."""
    return _MARK.search(text) is not None


def take_out(text: str) -> tuple[str, Extents]:
    """The text without marks, and the extents of its spans in characters; a lone mark is ignored."""
    parts, extents, opened = [], [], {}
    length = start = 0
    for found in _MARK.finditer(text):
        parts.append(text[start : found.start()])
        length += found.start() - start
        start = found.end()
        number, closes = divmod(ord(found[0]) - _FIRST, 2)
        if not closes:
            opened[number] = length
        elif number in opened:
            extents.append((number, opened.pop(number), length))
    parts.append(text[start:])
    return "".join(parts), extents


def of_tokens(extents: Extents, offsets: Sequence[tuple[int, int]]) -> NDArray[np.uint8]:
    """(tokens,) uint8: bit k is set for tokens that have a character of span k.

    Args:
        extents: as `take_out` returns them.
        offsets: first character of each token, and the one after its last.
    """
    bounds = np.asarray(offsets, dtype=np.int64).reshape(-1, 2)
    bits = np.zeros(len(bounds), dtype=np.uint8)
    for number, start, stop in extents:
        bits[(bounds[:, 0] < stop) & (bounds[:, 1] > start)] |= 1 << number
    return bits


def windows(bits: NDArray[np.uint8], room: int) -> tuple[int, int, int, int]:
    """The two pieces of a text that are kept where not all of it fits: start and length of each, in tokens.

    All tokens of spans are in them while there is room, with as much on either side as can be; where spans
    lie too far apart for one piece there are two, each around its own. Of spans that do not fit, both
    beginnings are kept; of a text without spans, its own.

    Args:
        bits: (tokens,) of the text, as `of_tokens` returns them.
        room: tokens that may be kept, fewer than there are.
    """
    total, inside = len(bits), np.flatnonzero(bits)
    if not len(inside) or room <= 0:
        return 0, max(room, 0), max(room, 0), 0
    first, last = int(inside[0]), int(inside[-1]) + 1
    if last - first <= room:
        start = min(max(first - (room - (last - first)) // 2, 0), total - room)
        return start, room, start + room, 0
    # The two pieces part at the widest gap between tokens of spans, or where another span begins.
    own = bits[inside]
    gaps = np.diff(inside) + (own[1:] != own[:-1]) / 2
    place = int(gaps.argmax())
    one = first, int(inside[place]) + 1
    other = int(inside[place + 1]), last
    sizes = one[1] - one[0], other[1] - other[0]
    needed = sum(sizes)
    if needed > room:
        kept = min(sizes[0], max(room // 2, room - sizes[1]))
        return one[0], kept, other[0], room - kept
    spare = room - needed
    # Half of what is left goes to each piece, and half of that to either side; the gap takes what it can.
    before = min(spare // 4, one[0])
    after = min(spare // 4, total - other[1])
    between = min(spare - before - after, other[0] - one[1])
    inner = between // 2
    left = spare - before - after - between
    further = min(left, one[0] - before)
    before, after = before + further, after + min(left - further, total - other[1] - after)
    start, stop = one[0] - before, one[1] + inner
    again = other[0] - (between - inner)
    return start, stop - start, again, other[1] + after - again


def shorten(text: str, extents: Extents, room: int) -> tuple[str, Extents]:
    """A very long text cut to about so many characters around its spans; extents that are cut are dropped."""
    if len(text) <= room:
        return text, extents
    first, length, second, further = windows(of_tokens(extents, [(k, k + 1) for k in range(len(text))]), room)
    moved = []
    for number, start, stop in extents:
        if first <= start and stop <= first + length:
            moved.append((number, start - first, stop - first))
        elif second <= start and stop <= second + further:
            moved.append((number, start - second + length + 1, stop - second + length + 1))
    return f"{text[first : first + length]} {text[second : second + further]}", moved
