"""The cost model: seconds until each fold of a bundle is in the submission, on a machine.

    start + verify + for each fold in turn: load + (first fold of a model: read its texts) + compute

Verify and load are bytes by the machine's bytes a second, reading is tokens by its tokens a second, computing
is the encoder's arithmetic by the FLOP/s of all its devices. Heads, blending and writing are not counted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from foldship.projection.bundle import Bundle, Cost, Unit
from foldship.projection.profile import Profile, built_in

PLANNED = {"cpu": "cpu", "gpu": "t4x2"}  # profile by accelerator


@dataclass(frozen=True)
class Step:
    """A fold that is done `seconds` after the kernel's start."""

    unit: Unit
    seconds: float


def timeline(
    bundle: Bundle,
    profile: Profile,
    rows: int,
    tokens_per_row: Mapping[str, float] | None = None,
    *,
    only: Collection[str] | None = None,
) -> list[Step]:
    """When each fold is done, in the order of the schedule.

    Args:
        bundle: the folds, and what they cost.
        profile: the machine.
        rows: to predict.
        tokens_per_row: by model, where something better is known than the bundle's own.
        only: names of the folds that run; None for all.
    """
    seconds = profile.start_s.value + bundle.size / profile.load_bytes_per_s.value
    steps: list[Step] = []
    seen: set[str] = set()
    for unit in bundle.units:
        if only is not None and unit.name not in only:
            continue
        cost = bundle.costs[unit.model]
        tokens = rows * (tokens_per_row or {}).get(unit.model, cost.tokens_per_row)
        if unit.model not in seen:
            seen.add(unit.model)
            seconds += tokens / profile.tokens_per_s.value
        seconds += fold_s(cost, unit.size, tokens, profile)
        steps.append(Step(unit, seconds))
    return steps


def fold_s(cost: Cost, size: int, tokens: float, profile: Profile) -> float:
    """Seconds to load one fold and compute it.

    Args:
        cost: of its model.
        size: bytes of its graphs and weights.
        tokens: real tokens of all rows.
        profile: the machine.
    """
    speed = profile.flops_per_s.value * profile.devices
    return size / profile.load_bytes_per_s.value + cost.flops(tokens) / speed


def planned_s(cost: Mapping[str, Any], size: int, rows: int, accelerator: str) -> float:
    """Seconds to load one fold and compute rows with it, on the machine that kernels of an accelerator get.

    From the profile that comes along, never from a measured one: what is planned by it must be the same on
    every machine and every day.

    Args:
        cost: of its model, the fields of `foldship_kernel.manifest.Cost`.
        size: bytes of its graphs and weights.
        rows: number of rows, of as many tokens as a training row has on average.
        accelerator: "cpu" or "gpu".
    """
    checked = Cost.model_validate(cost)
    return fold_s(checked, size, rows * checked.tokens_per_row, built_in(PLANNED[accelerator]))
