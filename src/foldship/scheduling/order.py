"""Folds in the order in which the kernel runs them, so that stopping early costs least."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One fold: its model, how many of that model's folds run before it, and the expected score after it.

    The score is None where it is not known.
    """

    model: str
    number: int
    score: float | None


def greedy(
    folds: Mapping[str, int], seconds: Mapping[str, float], expected: Callable[[Mapping[str, int]], float]
) -> list[Step]:
    """Order folds by their gain in expected score per second, one after another.

    A fold that gains nothing where it stands waits until no other one gains; of such folds the least harmful
    is next, then one of the model with the fewest folds so far. Scores never fall along the order: where the
    expectation does, the one before is carried on.

    Args:
        folds: number of folds by model.
        seconds: what a fold of each model takes, above 0.
        expected: score of so many folds by model.
    """
    counts = dict.fromkeys(sorted(folds), 0)
    steps: list[Step] = []
    score, best = 0.0, -math.inf
    for _ in range(sum(folds.values())):
        open_models = [model for model in counts if counts[model] < folds[model]]
        scores = {model: expected({**counts, model: counts[model] + 1}) for model in open_models}
        worth = {model: _worth(scores[model] - score, seconds[model], counts[model]) for model in open_models}
        chosen = max(open_models, key=worth.__getitem__)
        score = scores[chosen]
        best = max(score, best)
        steps.append(Step(chosen, counts[chosen], best))
        counts[chosen] += 1
    return steps


def in_turn(folds: Mapping[str, int], seconds: Mapping[str, float]) -> list[Step]:
    """Order folds of which nothing is known but what they take: a fold of each model, the quickest first.

    Then another one of each, and so on; arguments as of `greedy`.
    """
    places = [(number, seconds[model], model) for model, count in folds.items() for number in range(count)]
    return [Step(model, number, None) for number, _, model in sorted(places)]


def _worth(gain: float, seconds: float, count: int) -> tuple[float, ...]:
    """What folds are compared by."""
    return (1, gain / seconds) if gain > 0 else (0, gain, -count)
