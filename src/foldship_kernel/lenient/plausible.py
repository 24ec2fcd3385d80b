"""Tells what may be an id, and so where a record may begin."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property

from foldship_kernel.lenient import spelling

_LEARNT = 2000  # ids that a shape is made of
_LONGEST = 64  # characters of an id, where there is none to learn from


class Ids:
    """Which texts are ids, as far as that is known.

    Args:
        wanted: ids that are known, as of the sample submission.
        seen: ids of some records that are well formed.
    """

    def __init__(self, wanted: Sequence[str], seen: Iterable[str] = ()) -> None:
        self._wanted: Counter[str] = Counter(map(spelling.number, wanted))
        self._met: Counter[str] = Counter()
        learnt = [value for value in map(spelling.plain, (*wanted[:_LEARNT], *seen)) if value]
        self._kinds = set().union(*map(_kinds, learnt)) if learnt else set()
        self._shortest = min(map(len, learnt), default=1) - 1
        self._longest = max(map(len, learnt), default=-1) + 1

    @property
    def any_known(self) -> bool:
        return bool(self._wanted)

    def known(self, value: str) -> bool:
        """Whether this is one of the ids that are known."""
        return spelling.number(value) in self._wanted

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self._wanted)

    def meet(self, value: str) -> None:
        """Take note that a line may begin with this id."""
        key = spelling.number(value)
        if key in self._wanted:
            self._met[key] += 1

    def certain(self, value: str) -> bool:
        """Whether only a record can begin like this: no more lines do so than rows have this id."""
        key = spelling.number(value)
        return 0 < self._met[key] <= self._wanted[key] if key in self._wanted else False

    def unmet(self, value: str) -> bool:
        """Whether this is a known id that no line begins with."""
        key = spelling.number(value)
        return key in self._wanted and not self._met[key]

    def likely(self, value: str) -> bool:
        """Whether this is a known id, or looks like one."""
        return self.known(value) or self._alike(value, self._shortest)

    def cut(self, value: str) -> bool:
        """Whether an id may begin like this: a known one, or where none are known any."""
        key = spelling.number(value)
        if not self._wanted:
            return self._alike(value, 1)
        place = bisect_left(self._sorted, key)
        return bool(key) and place < len(self._sorted) and self._sorted[place].startswith(key)

    def _alike(self, value: str, shortest: int) -> bool:
        bare = spelling.plain(value)
        if not self._kinds:
            return 0 < len(bare) <= _LONGEST and not any(map(str.isspace, bare))
        return max(shortest, 1) <= len(bare) <= self._longest and _kinds(bare) <= self._kinds


def _kinds(value: str) -> set[str]:
    """Which kinds of characters there are; of signs, which ones."""
    return {"0" if character.isdigit() else "a" if character.isalpha() else character for character in value}
