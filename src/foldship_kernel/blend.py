"""Several models' predictions to one."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldship_kernel import quantiles
from foldship_kernel.errors import FoldshipError

Weight = float | NDArray[np.float64]  # one for all targets, or (C,) one per target
SUM_TOLERANCE = 1e-6
TIE = 0.01  # share of its probabilities in a model's vote


@dataclass(frozen=True)
class Blend:
    """How the predictions of a set of models become one.

    Attributes:
        models: names of the models.
        weights: share of each, for all targets or by target; they sum to 1.
        postprocess: post-processing fitted for this blend, one dictionary per step.
        score: its out-of-fold score with one fold per row, nested; None where it is not known.
        grids: per model (C, Q) quantiles, where quantiles are blended; None where predictions are.
        group_mean: share by which targets of the group move to their mean over its rows.
        voting: whether models vote for classes, and their probabilities only decide ties.
    """

    models: tuple[str, ...]
    weights: Mapping[str, Weight]
    postprocess: tuple[Mapping[str, Any], ...]
    score: float | None
    grids: Mapping[str, NDArray[np.float64]] | None = None
    group_mean: float = 0.0
    voting: bool = False

    @classmethod
    def from_dict(cls, record: Mapping[str, Any], grids: Mapping[str, Any], targets: int) -> Blend:
        """Read a record of `blends`.

        Args:
            record: with `models`, `weights`, `postprocess`, `score`, `ranks` where quantiles are blended, and
                `group_mean` where that is not 0.
            grids: quantiles by model, for records with `ranks`.
            targets: how many there are.

        Raises:
            KeyError: a key, or a model's weight or grid, is missing.
            ValueError: a weight is negative or no finite number, there are not as many as targets, they do
                not sum to 1, a grid does not rise, or `group_mean` is no share.
        """
        models = tuple(record["models"])
        weights = {name: _weight(record["weights"][name], targets) for name in models}
        if not np.allclose(_sum(weights), 1.0, rtol=0, atol=SUM_TOLERANCE):
            raise ValueError(f"the weights of {', '.join(models)} do not sum to 1")
        used = None
        if record.get("ranks"):
            used = {name: quantiles.checked(grids[name], targets) for name in models}
        group_mean = float(record.get("group_mean", 0.0))
        if not 0 <= group_mean <= 1:
            raise ValueError(f"a group_mean of {group_mean}")
        steps, voting = tuple(record["postprocess"]), bool(record.get("voting"))
        return cls(models, weights, steps, record["score"], used, group_mean, voting)


def fitted(blends: Sequence[Blend], names: Collection[str]) -> Blend | None:
    """The blend that was fitted for just these models, if there is one."""
    return next((blend for blend in blends if set(blend.models) == set(names)), None)


def choose(blends: Sequence[Blend], names: Collection[str]) -> Blend:
    """The blend for some models.

    Where none was fitted for just these, the largest one is used: its weights scaled to sum to 1 over these
    (equal ones in a target in which none of these has a share), its post-processing, and no score.

    Args:
        blends: one of them is of all models.
        names: of the models that are there.

    Raises:
        FoldshipError: there is no name, or one that is not a model's.
    """
    exact = fitted(blends, names)
    if exact is not None:
        return exact
    whole = max(blends, key=lambda blend: len(blend.models))
    known = {name: whole.weights[name] for name in names if name in whole.weights}
    if known and len(known) == len(names):
        idle = np.asarray(_sum(known)) <= 0
        if idle.any():
            known = {name: np.where(idle, 1.0, weight)[()] for name, weight in known.items()}
    weights = renormalised(known, dict.fromkeys(names))
    grids = whole.grids and {name: whole.grids[name] for name in weights}
    return Blend(tuple(weights), weights, whole.postprocess, None, grids, whole.group_mean)


def blend(
    predictions: Mapping[str, NDArray[np.floating]],
    weights: Mapping[str, Weight],
    grids: Mapping[str, NDArray[np.float64]] | None = None,
) -> NDArray[np.float64]:
    """Weighted mean of the models that are present.

    The weights of the present models are scaled to sum to 1, so that a model which is missing (damaged, or
    shed for want of time) leaves no gap. With grids each model's predictions are turned into quantiles, these
    are averaged, and the mean is turned back into the value that has this quantile in the models' weighted
    mean distribution: models that spread their predictions differently count alike, and the result stays on
    the predictions' scale. What becomes of a row depends on no other row.

    Args:
        predictions: (n, C) per model name, all of one shape.
        weights: share of each model, 0 or more, one for all targets or (C,); models that are not in
            `predictions` are passed over.
        grids: per model (C, Q), see `foldship_kernel.quantiles`.

    Returns:
        (n, C) float64; the same to the last bit whatever the order of the mappings.

    Raises:
        FoldshipError: there is no model, a model has no weight, a weight is negative or no number, the
            weights of the present models sum to 0, or shapes differ.
    """
    shares = renormalised(weights, predictions)
    shapes = {name: np.shape(table) for name, table in predictions.items()}
    if len(set(shapes.values())) > 1:
        raise FoldshipError(
            "the models' predictions cannot be blended",
            expected="tables of one shape (rows, targets)",
            found=", ".join(f"{name} {shape}" for name, shape in sorted(shapes.items())),
            fix="predict the same rows and targets with every model",
        )
    result = np.zeros(next(iter(shapes.values())), dtype=np.float64)
    for name in sorted(shares):
        table = np.asarray(predictions[name], dtype=np.float64)
        result += shares[name] * (table if grids is None else quantiles.of(table, grids[name]))
    if grids is None:
        return result
    mean_grid = sum(np.reshape(shares[name], (-1, 1)) * grids[name] for name in sorted(shares))
    return quantiles.values(result, np.asarray(mean_grid))


def votes(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """A model's probabilities (n, C) as votes: all for its likeliest class, but for what decides a tie."""
    chosen = np.zeros_like(table)
    chosen[np.arange(len(table)), table.argmax(axis=1)] = 1.0
    return np.asarray((1 - TIE) * chosen + TIE * table)


def renormalised(weights: Mapping[str, Weight], present: Mapping[str, object]) -> dict[str, Weight]:
    """The weights of the models in `present`, scaled to sum to 1 (in every target).

    Raises:
        FoldshipError: as `blend`.
    """
    wanted = {name: weights.get(name) for name in sorted(present)}
    known = {name: value for name, value in wanted.items() if value is not None}
    bad = [f"{name}: {value}" for name, value in wanted.items() if value is None or not _usable(value)]
    total = 0.0 if bad or not known else _sum(known)
    if bad or not np.all(np.asarray(total) > 0):
        raise FoldshipError(
            "the blend weights cannot be used",
            expected="one number of 0 or more for each model (and target), more than 0 together",
            found=", ".join(bad) or (f"a sum of {total}" if known else "no model"),
            fix="build the bundle again with `make bundle`",
        )
    return {name: value / total for name, value in known.items()}


def has_share(weight: float | Sequence[float] | NDArray[np.float64]) -> bool:
    """Whether a model counts in any target."""
    return bool(np.any(np.asarray(weight) > 0))


def _usable(weight: Weight) -> bool:
    values = np.asarray(weight, dtype=np.float64)
    return bool((np.isfinite(values) & (values >= 0)).all())


def _sum(weights: Mapping[str, Weight]) -> Weight:
    """The models' weights together; exactly rounded where there is one for all targets."""
    if all(np.ndim(weight) == 0 for weight in weights.values()):
        return math.fsum(float(weight) for weight in weights.values())
    total: NDArray[np.float64] = np.sum(np.broadcast_arrays(*weights.values()), axis=0)
    return total


def _weight(value: Any, targets: int) -> Weight:
    weight: Weight = np.asarray(value, dtype=np.float64) if isinstance(value, list) else float(value)
    if np.ndim(weight) and np.shape(weight) != (targets,):
        raise ValueError(f"{len(value)} weights of a model for {targets} targets")
    if not _usable(weight):
        raise ValueError(f"a weight of {value}")
    return weight
