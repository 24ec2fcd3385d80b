"""Several models' predictions to one."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldship_kernel.errors import FoldshipError


@dataclass(frozen=True)
class Blend:
    """How the predictions of a set of models become one.

    Attributes:
        models: names of the models.
        weights: share of each; they sum to 1.
        postprocess: post-processing fitted for this blend, one dictionary per step.
        score: its out-of-fold score with one fold per row, nested; None where it is not known.
    """

    models: tuple[str, ...]
    weights: Mapping[str, float]
    postprocess: tuple[Mapping[str, Any], ...]
    score: float | None


def fitted(blends: Sequence[Blend], names: Collection[str]) -> Blend | None:
    """The blend that was fitted for just these models, if there is one."""
    return next((blend for blend in blends if set(blend.models) == set(names)), None)


def choose(blends: Sequence[Blend], names: Collection[str]) -> Blend:
    """The blend for some models.

    Where none was fitted for just these, the largest one is used: its weights scaled to sum to 1 over these,
    its post-processing, and no score.

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
    weights = renormalised(whole.weights, dict.fromkeys(names))
    return Blend(tuple(weights), weights, whole.postprocess, score=None)


def blend(
    predictions: Mapping[str, NDArray[np.floating]], weights: Mapping[str, float]
) -> NDArray[np.float64]:
    """Weighted mean of the models that are present.

    The weights of the present models are scaled to sum to 1, so that a model which is missing (damaged, or
    shed for want of time) leaves no gap.

    Args:
        predictions: (n, C) per model name, all of one shape.
        weights: share of each model, 0 or more; models that are not in `predictions` are passed over.

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
        result += shares[name] * np.asarray(predictions[name], dtype=np.float64)
    return result


def renormalised(weights: Mapping[str, float], present: Mapping[str, object]) -> dict[str, float]:
    """The weights of the models in `present`, scaled to sum to 1.

    Raises:
        FoldshipError: as `blend`.
    """
    wanted = {name: weights.get(name) for name in sorted(present)}
    bad = [f"{name}: {value}" for name, value in wanted.items() if value is None or not 0 <= value < math.inf]
    known = {name: value for name, value in wanted.items() if value is not None}
    total = math.fsum(known.values())
    if bad or not total > 0:
        raise FoldshipError(
            "the blend weights cannot be used",
            expected="one number of 0 or more for each model, more than 0 together",
            found=", ".join(bad) or (f"a sum of {total}" if known else "no model"),
            fix="build the bundle again with `make bundle`",
        )
    return {name: value / total for name, value in known.items()}
