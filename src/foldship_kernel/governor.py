"""What still fits before the deadline, decided from the speed measured in this very run."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from foldship_kernel import flops
from foldship_kernel.deadline import Deadline
from foldship_kernel.manifest import Cost

# Below this much measured, the speed says little: the first batches set up the memory.
MEASURED_S, MEASURED_SHARE = 1.0, 0.05
MARGIN = 0.8  # share of the time left that a fold shortened for want of time may take
# By so much may a fold seem too slow when it begins, and less and less as time goes on: speeds vary, and what
# is given up is lost.
PATIENCE = 0.25
TINY = 1e-6  # share of the work that rounding may leave over
SHORTEST = 16  # tokens; a row cut further says nothing


class OutOfTimeError(Exception):
    """What was begun cannot be finished before the deadline."""


@dataclass
class Speed:
    """How fast a model runs, as measured last.

    Attributes:
        rate: operations per second; 0 as long as nothing is known.
        load_s: seconds to load a fold.
    """

    rate: float = 0.0
    load_s: float = 0.0


@dataclass
class Governor:
    """Decides whether a fold, or the rest of one, still fits.

    Attributes:
        deadline: the clock of the run.
        speeds: by model name, as measured on the present device.
    """

    deadline: Deadline
    speeds: dict[str, Speed] = field(default_factory=dict)

    def speed(self, model: str) -> Speed:
        return self.speeds.setdefault(model, Speed())

    def forget(self) -> None:
        """The device has changed: nothing is known any more."""
        self.speeds.clear()

    def needed_s(self, model: str, amount: float, *, loaded: bool = False) -> float:
        """Seconds that one more fold takes.

        Args:
            model: its name.
            amount: work of the fold.
            loaded: whether the fold is in memory already.

        Returns:
            Those seconds; 0 while the model's speed is unknown.
        """
        speed = self.speed(model)
        return (0.0 if loaded else speed.load_s) + amount / speed.rate if speed.rate else 0.0

    def longest_affordable(
        self, model: str, lengths: NDArray[np.int64], cost: Cost, *, loaded: bool = False
    ) -> int:
        """The most tokens a sequence may be read to so that a fold fits; 0 if no cut helps.

        Args:
            model: its name; its speed is known.
            lengths: (sequences,) tokens of all sequences.
            cost: of the model.
            loaded: whether the fold is in memory already.
        """
        speed = self.speed(model)
        budget = (MARGIN * self.deadline.left_s() - (0.0 if loaded else speed.load_s)) * speed.rate
        low, high = SHORTEST - 1, int(lengths.max(initial=0))
        while high - low > 1:  # work grows with the length: halve the range
            middle = (low + high) // 2
            if work(np.minimum(lengths, middle), cost) <= budget:
                low = middle
            else:
                high = middle
        return low if low >= SHORTEST else 0


class Meter:
    """Counts one fold's work as it is done, and raises OutOfTimeError when the rest will not fit.

    Args:
        governor: told about the speed.
        model: name of the model.
        total: work of the whole fold.
        cost: of the model.
        whole: whether less than the whole fold is of no use, so that it is given up as soon as that shows.
    """

    def __init__(self, governor: Governor, model: str, total: float, cost: Cost, *, whole: bool) -> None:
        self._governor, self._speed = governor, governor.speed(model)
        self._total, self._cost, self._whole = total, cost, whole
        self._began = governor.deadline.now()
        self._marks = [(0.0, 0.0)]  # seconds since the beginning, and work done by then
        self.done, self.tokens = 0.0, 0

    @property
    def elapsed_s(self) -> float:
        return self._governor.deadline.now() - self._began

    @property
    def share(self) -> float:
        """Share of the work that is done."""
        return self.done / max(self._total, 1e-9)

    @property
    def rate(self) -> float:
        """Operations per second in the later half of the time up to the last batch.

        The first batches set up memory and kernels, and try different sizes: they are slower than the rest.
        """
        elapsed, done = self._marks[-1]
        middle = bisect_right(self._marks, (elapsed / 2, math.inf), hi=max(1, len(self._marks) - 1)) - 1
        seconds, before = self._marks[middle]
        return (done - before) / max(elapsed - seconds, 1e-9)

    @property
    def to_go_s(self) -> float:
        """Seconds that the rest will take at that rate."""
        return (self._total - self.done) / max(self.rate, 1e-9)

    def __call__(self, lengths: NDArray[np.int64]) -> None:
        """Sequences of these lengths are done."""
        self.done += work(lengths, self._cost)
        self.tokens += int(lengths.sum())
        self._marks.append((self.elapsed_s, self.done))
        left = self._total - self.done
        # The next fold will have slow first batches, too.
        self._speed.rate = self.rate if left > TINY * self._total else self.done / max(self.elapsed_s, 1e-9)
        measured = self.elapsed_s >= MEASURED_S or self.done >= MEASURED_SHARE * self._total
        time_left = self._governor.deadline.left_s()
        patience = PATIENCE * time_left / max(self.elapsed_s + time_left, 1e-9)
        hopeless = self._whole and measured and self.to_go_s > (1 + patience) * time_left
        if left > TINY * self._total and (time_left <= 0 or hopeless):
            raise OutOfTimeError(f"too slow: {self.tokens / max(self.elapsed_s, 1e-9):,.0f} tokens/s")

    def summary(self) -> str:
        return f"{self.share:.0%}, {self.tokens / max(self.elapsed_s, 1e-9):,.0f} tokens/s"


def work(lengths: NDArray[np.int64], cost: Cost) -> float:
    """What sequences of so many tokens each cost an encoder, in floating-point operations."""
    return flops.of_sequences(lengths, layers=cost.layers, width=cost.width, intermediate=cost.intermediate)
