"""What a blend of folds will score, before any fold of it has predicted a row that another one learnt from.

A training row is predicted out-of-fold by one fold of each model. So the score of a blend of models can be
measured, the gain of averaging several folds of a model cannot. It follows from how much the folds agree on
rows that none of them was trained on, which need no labels.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldship.metrics import correlate

HIGHEST = 1.0  # of correlations, areas and shares; errors end at 0

Array = NDArray[np.float64]
BlendOf = Callable[[frozenset[str]], Mapping[str, Any]]


def composite(shares: Array, truth: Array, between: Array) -> Array:
    """Correlation of a weighted sum of standardised variables with another variable, column by column.

    `sum_u w_u r_u / sqrt(w' C w)`. With equal weights and mean correlations it is the formula in E. Ghiselli,
    J. Campbell, S. Zedeck, Measurement theory for the behavioral sciences, 1981, p. 163-164. It holds for
    Pearson's correlation throughout. With rank correlations for `truth` it is close; with rank correlations
    for `between`, too, it is half as close, for what is averaged is the predictions and not their ranks.

    Args:
        shares: (U,) weights, or (U, C) one per column.
        truth: (U, C) correlation of each variable with the other one.
        between: (C, U, U) correlations between the variables.

    Returns:
        (C,) float64 from -1 to 1; 0 where the sum does not vary.
    """
    shares = np.broadcast_to(shares.reshape(len(shares), -1), truth.shape)
    spread = np.sqrt(np.maximum(np.einsum("uc,vc,cuv->c", shares, shares, between), 0.0))
    result = np.zeros(truth.shape[1])
    np.divide((shares * truth).sum(axis=0), spread, out=result, where=spread > 0)
    return np.clip(result, -1.0, 1.0)  # beyond, where the two were measured on rows that differ much


def variance_of_mean(count: int, agreement: Array) -> Array:
    """Variance of the mean of `count` standardised variables whose mean correlation is `agreement`.

    As an element on the diagonal of `composite`'s `between`, it makes of each variable a mean of several; see
    S. Stouffer, Psychometrika 1, 1936, https://doi.org/10.1007/bf02288001. For a single variable the two give
    the Spearman-Brown formula.
    """
    return (1 + (count - 1) * agreement) / count


def agreements(predictions: Sequence[Array]) -> Array:
    """Mean correlations (Pearson's) between the folds of models, on rows that no fold was trained on.

    Args:
        predictions: per model (folds, n, C), the same rows for all.

    Returns:
        (C, M, M) float64: between folds of two models; on the diagonal between different folds of one model,
        1 where it has one fold only. A fold whose column is constant agrees with nothing: 0.
    """
    columns, count = predictions[0].shape[2], len(predictions)
    centred = [model - model.mean(axis=1, keepdims=True) for model in predictions]
    result = np.ones((columns, count, count))
    for i, j in itertools.combinations_with_replacement(range(count), 2):
        pairs = np.array([[correlate(one, other) for other in centred[j]] for one in centred[i]])
        pairs = np.nan_to_num(pairs, nan=0.0)
        if i != j:
            result[:, i, j] = result[:, j, i] = pairs.mean(axis=(0, 1))
        elif len(pairs) > 1:
            result[:, i, i] = pairs[np.triu_indices(len(pairs), k=1)].mean(axis=0)
    return result


@dataclass(frozen=True)
class Expectation:
    """Expected score of any number of folds of each model.

    It is the out-of-fold score of the models' blend, post-processing included, plus the estimated gain of
    averaging more than one fold. Folds of one model count as equals: its out-of-fold correlation is known for
    the model only, and a fold that went astray must not look good because it differs.

    Attributes:
        models: names.
        blend_of: the record of a set of models in `selection.json`'s `blends`, with `weights` and `score`.
        truth: (M, C) out-of-fold rank correlation of each model with the truth; NaN in targets that cannot be
            scored.
        between: as `agreements` returns it, or None: then averaging folds counts for nothing.
    """

    models: tuple[str, ...]
    blend_of: BlendOf
    truth: Array
    between: Array | None

    def __call__(self, counts: Mapping[str, int]) -> float:
        """Expected score of `counts` folds by model; models without a fold may be absent."""
        present = {name: count for name, count in counts.items() if count}
        blend = self.blend_of(frozenset(present))
        gain = 0.0
        if self.between is not None:
            weights = blend["weights"]
            gain = self._raw(self.between, weights, present)
            gain -= self._raw(self.between, weights, dict.fromkeys(present, 1))
        return min(float(blend["score"]) + gain, HIGHEST)

    def _raw(self, between: Array, weights: Mapping[str, Any], counts: Mapping[str, int]) -> float:
        """Mean over the targets of the raw blend's expected correlation."""
        places = [self.models.index(name) for name in counts]
        chosen = between[:, places][:, :, places]
        for place, count in enumerate(counts.values()):
            chosen[:, place, place] = variance_of_mean(count, chosen[:, place, place])
        shares = np.empty((len(places), self.truth.shape[1]))
        for place, name in enumerate(counts):
            shares[place] = weights[name]  # one number for all targets, or one for each
        expected = composite(shares, self.truth[places], chosen)
        return float(expected[~np.isnan(self.truth[0])].mean())
