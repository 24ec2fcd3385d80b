"""Weights by regression: non-negative least squares of the truth on the models' predictions."""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from foldship import metrics
from foldship.metrics import Array

RIDGE = 0.05  # pull towards equal weights, as a share of the mean squared prediction


def weights(models: Array, truth: Array, shared: bool) -> Array:
    """Non-negative weights with which the models come closest to the ranks of the truth.

    With a ridge that pulls towards equal weights: models of one kind are so alike that least squares alone
    would pick one of them by chance. L. Breiman, Stacked regressions, 1996,
    https://doi.org/10.1007/BF00117832, shows why weights must not be negative.

    Args:
        models: (M, C, n) float64.
        truth: (n, C) float64.
        shared: whether all columns have the same weights.

    Returns:
        (M, C) weights that sum to 1 down each column; equal ones where no model goes with the truth.
    """
    _, columns, rows = models.shape
    target = metrics.centred_ranks(truth).T
    target = target / np.maximum(np.sqrt((target**2).mean(axis=1, keepdims=True)), 1e-12)
    centred = models - models.mean(axis=2, keepdims=True)
    # Columns count alike, and so the scale of a blend is not for the weights to make up.
    spread = np.sqrt((centred**2).mean(axis=(0, 2)))
    centred = centred / np.where(spread > 0, spread, 1.0)[None, :, None]
    gram = np.einsum("icn,jcn->cij", centred, centred) / rows
    product = np.einsum("icn,cn->ci", centred, target) / rows
    if shared:
        return np.repeat(_solved(gram.sum(axis=0), product.sum(axis=0))[:, None], columns, axis=1)
    return np.stack([_solved(gram[column], product[column]) for column in range(columns)], axis=1)


def _solved(gram: Array, product: Array) -> Array:
    """Least squares from its normal equations, with the ridge; normalised."""
    count = len(gram)
    pull = RIDGE * np.trace(gram) / count
    # The scale at which equal weights fit best: what the ridge pulls to.
    scale = max(product.sum(), 0.0) / max(gram.sum(), 1e-12)
    if not scale > 0:
        return np.full(count, 1 / count)
    # A Cholesky factor of the normal equations has the same solution as the rows themselves.
    factor = np.linalg.cholesky(gram + pull * np.eye(count)).T
    found, _ = nnls(factor, np.linalg.solve(factor.T, product + pull * scale))
    return np.asarray(found / found.sum()) if found.sum() > 0 else np.full(count, 1 / count)
