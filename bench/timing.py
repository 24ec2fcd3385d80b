"""Seconds of several contestants on a machine that others use, too."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Generic, TypeVar

from foldship.terminals import bar as progress_bar

T = TypeVar("T")
# Thread pools keep spinning for a while after their last task.
SETTLE_S = 0.3


@dataclass(frozen=True)
class Timing(Generic[T]):
    """What came of a contest.

    Attributes:
        seconds: of every round, by contestant.
        outputs: what each round returned, by contestant.
        failures: why a contestant is in neither.
    """

    seconds: dict[str, list[float]] = field(default_factory=dict)
    outputs: dict[str, list[T]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def median_s(self, name: str) -> float:
        return median(self.seconds[name])

    def spread(self, name: str) -> float:
        """Slowest round less fastest, as a share of the median."""
        return (max(self.seconds[name]) - min(self.seconds[name])) / self.median_s(name)


def interleave(
    tasks: Mapping[str, Callable[[], T]],
    rounds: int,
    *,
    warm_up: Mapping[str, Callable[[], object]],
    describe: str,
    settle_s: float = SETTLE_S,
) -> Timing[T]:
    """Run all tasks once, then all again: a slow minute of the machine hits all alike.

    Each round begins with another task. One that fails is left out from then on; the others count.

    Args:
        tasks: what is timed.
        rounds: how often each.
        warm_up: by the same names, run once before.
        describe: name of the progress bar.
        settle_s: seconds of rest before each task.
    """
    timing: Timing[T] = Timing()
    names = list(tasks)
    with progress_bar(total=len(names) * (rounds + 1), desc=describe, unit="run") as bar:
        for round_ in range(rounds + 1):
            start = round_ % max(len(names), 1)
            for name in names[start:] + names[:start]:
                bar.set_postfix_str(name)
                if name not in timing.failures:
                    time.sleep(settle_s)
                    try:
                        if round_:
                            began = time.perf_counter()
                            output = tasks[name]()
                            timing.seconds.setdefault(name, []).append(time.perf_counter() - began)
                            timing.outputs.setdefault(name, []).append(output)
                        else:
                            warm_up[name]()
                    except Exception as error:  # whatever a peer raises: the others still count
                        timing.failures[name] = f"failed: {error!r}"
                bar.update()
    for name in timing.failures:
        timing.seconds.pop(name, None)
        timing.outputs.pop(name, None)
    return timing
