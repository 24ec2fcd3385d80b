"""What happens besides while a fold's batches are done."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from foldship_kernel.governor import Meter
from foldship_kernel.journal import Journal

SAY_EVERY_S = 20.0
# Share of a fold after which the next one is loaded: not while the speed is being measured.
ON_THE_WAY = 0.25


class Progress:
    """Passes on what is done to the meter, and says now and then how far it is.

    Args:
        name: of the fold.
        meter: counts its work.
        journal: told.
        on_the_way: called once with the meter, when the speed is known.
    """

    def __init__(
        self, name: str, meter: Meter, journal: Journal, on_the_way: Callable[[Meter], None]
    ) -> None:
        self._name, self._meter, self._journal = name, meter, journal
        self._on_the_way = on_the_way
        self._is_on_the_way = False
        self._said = 0.0

    def __call__(self, lengths: NDArray[np.int64]) -> None:
        """Sequences of these lengths are done; raises what the meter raises."""
        self._meter(lengths)
        if not self._is_on_the_way and self._meter.share >= ON_THE_WAY:
            self._is_on_the_way = True
            self._on_the_way(self._meter)
        if self._meter.elapsed_s - self._said >= SAY_EVERY_S:
            self._said = self._meter.elapsed_s
            self._journal.say(
                f"{self._name}: {self._meter.summary()}, about {self._meter.to_go_s:.0f} s to go"
            )
