"""Choices for generated samples: at random, but the same every time."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Random choices drawn from `Random.random` alone, which stays the same in all versions of Python."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def number(self) -> float:
        """A number in [0, 1)."""
        return self._random.random()

    def chance(self, probability: float) -> bool:
        return self.number() < probability

    def below(self, limit: int) -> int:
        return int(self.number() * limit)

    def pick(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]

    def shuffled(self, options: Sequence[T]) -> list[T]:
        keyed = [(self.number(), place) for place in range(len(options))]
        return [options[place] for _, place in sorted(keyed)]
