"""One model trained with several seeds: as many models, which are then treated like any others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LARGEST = 2**31  # NumPy takes 32 bits, and folds and stages count on from a seed


def expand(models: Mapping[str, Any]) -> dict[str, Any]:
    """Replace each model that has `seeds` by one with `seed` per entry.

    The first keeps the model's name, the others are called `<name>-s<seed>`.

    Raises:
        ValueError: `seeds` is no list of different numbers, stands beside `seed`, or gives a name that
            is taken.
    """
    expanded: dict[str, Any] = {}
    for name, model in models.items():
        if not isinstance(model, Mapping) or "seeds" not in model:
            copies = {name: model}
        else:
            seeds, rest = model["seeds"], {key: value for key, value in model.items() if key != "seeds"}
            _check(name, seeds, rest)
            copies = {
                (name if place == 0 else f"{name}-s{seed}"): {**rest, "seed": seed}
                for place, seed in enumerate(seeds)
            }
        for copy in copies:
            if copy in expanded or (copy != name and copy in models):
                raise ValueError(f"{name}.seeds: there is a model called {copy} already")
        expanded |= copies
    return expanded


def _check(name: str, seeds: object, rest: Mapping[str, Any]) -> None:
    if "seed" in rest:
        raise ValueError(f"{name}: give seed or seeds, not both")
    if (
        not isinstance(seeds, list | tuple)
        or not seeds
        or not all(type(seed) is int and 0 <= seed <= LARGEST for seed in seeds)
        or len(set(seeds)) < len(seeds)
    ):
        raise ValueError(
            f"{name}.seeds: a list of different whole numbers from 0 to {LARGEST}, not {seeds!r}"
        )
