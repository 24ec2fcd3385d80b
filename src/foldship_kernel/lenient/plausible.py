"""Tells what may be an id, and so where a record may begin."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable

from foldship_kernel.lenient import spelling

_LEARNT = 2000  # ids that a shape is made of


class Ids:
    """Which texts are ids, as far as that is known.

    Args:
        wanted: ids that are known, as of the sample submission.
        seen: ids of some records, where none are known.
    """

    def __init__(self, wanted: Iterable[str], seen: Iterable[str] = ()) -> None:
        self._wanted: Counter[str] = Counter(spelling.number(value) for value in wanted)
        self._met: Counter[str] = Counter()
        learnt = [value for value in itertools.islice(self._wanted or seen, _LEARNT) if value]
        self._kinds = set().union(*map(_kinds, learnt)) if learnt else set()
        self._shortest = min(map(len, learnt), default=1)
        self._longest = max(map(len, learnt), default=0)

    @property
    def any_known(self) -> bool:
        return bool(self._wanted)

    def known(self, value: str) -> bool:
        """Whether this is one of the ids that are known."""
        return spelling.number(value) in self._wanted

    def meet(self, value: str) -> None:
        """Take note that a line may begin with this id."""
        key = spelling.number(value)
        if key in self._wanted:
            self._met[key] += 1

    def certain(self, value: str) -> bool:
        """Whether only a record of its own can begin like this: no more lines do so than rows have this id."""
        key = spelling.number(value)
        return 0 < self._met[key] <= self._wanted[key] if key in self._wanted else False

    def likely(self, value: str) -> bool:
        """Whether this is a known id, or looks like one."""
        if self.known(value):
            return True
        key = spelling.number(value)
        return self._shortest <= len(key) <= self._longest and _kinds(key) <= self._kinds


def _kinds(value: str) -> set[str]:
    """Which kinds of characters there are; of signs, which ones."""
    return {
        "0" if character.isdigit() else "a" if character.isalpha() else character for character in value
    }
