"""A linear head in closed form: ridge regression on the frozen encoder's vectors, a penalty for each output.

Seconds of work where descent takes minutes, and the optimum. Hoerl and Kennard 1970,
https://doi.org/10.1080/00401706.1970.10488634.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from foldship.config.stages import Ridge
from foldship.modelling.heads import Decoded, RowHead
from foldship.modelling.model import RowModel
from foldship.training.job import FoldJob

INNER = 4  # folds, within a fold's training rows, that penalties are chosen on
ROWS = 4096  # joined at once
# What makes a logit of an expected output: the line that touches the sigmoid at its middle.
FACTOR, CENTRE = 4.0, 0.5

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Fitted:
    """Outputs as linear functions of inputs.

    Attributes:
        coefficients: (outputs, inputs).
        intercepts: (outputs,).
        penalties: (outputs,), as chosen.
    """

    coefficients: Matrix
    intercepts: Matrix
    penalties: Matrix


def train(job: FoldJob, model: RowModel, settings: Ridge) -> None:
    """Set the head's one linear layer."""
    head: Any = model.head.head if isinstance(model.head, Decoded) else model.head
    inputs = _inputs(head, job.frozen_vectors(model), job)
    vectors = inputs.shape[1] - job.train.features.shape[1]
    spread = inputs.std(axis=0)
    # What does not vary says nothing; it may, beside rounding errors, where rows are held out.
    favour = np.where(spread > 1e-6, 1 / np.maximum(spread, 1e-6), 0.0)
    favour[vectors:] = np.where(spread[vectors:] > 1e-6, np.sqrt(settings.feature_weight), 0.0)
    found = fit(
        inputs,
        job.train.targets.astype(np.float64),
        favour,
        settings.penalties,
        groups=job.train.groups,
        weights=job.train.given.astype(np.float64),
        seed=job.seed,
    )
    layer: nn.Linear = head.layers[-1]
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(FACTOR * found.coefficients))
        layer.bias.copy_(torch.from_numpy(FACTOR * (found.intercepts - CENTRE)))


def fit(
    inputs: Matrix,
    targets: Matrix,
    favour: Matrix,
    penalties: Sequence[float],
    *,
    groups: NDArray[np.int64],
    weights: Matrix,
    seed: int,
) -> Fitted:
    """Ridge regression of each target, with the penalty that predicts groups best that it was not fitted on.

    What is minimised is the weighted mean of squared errors plus the penalty times the squared norm of the
    coefficients of inputs that were multiplied by `favour`.

    Args:
        inputs: (n, inputs).
        targets: (n, outputs).
        favour: (inputs,) how little each input is penalised; 0 leaves it out.
        penalties: to choose from.
        groups: (n,) rows that are held out together when penalties are chosen.
        weights: (n,) of the rows.
        seed: of the split.
    """
    names, group = np.unique(groups, return_inverse=True)
    part = (np.random.default_rng(seed).permutation(len(names)) % INNER)[group]
    errors = np.zeros((len(penalties), targets.shape[1]))
    for number in range(INNER if len(names) >= INNER else 0):
        learn, held_out = part != number, part == number
        path = _Path(inputs[learn] * favour, targets[learn], weights[learn])
        for place, penalty in enumerate(penalties):
            missed = path.predict(inputs[held_out] * favour, penalty) - targets[held_out]
            errors[place] += weights[held_out] @ missed**2
    chosen = np.asarray(penalties, dtype=np.float64)[errors.argmin(axis=0)]
    path = _Path(inputs * favour, targets, weights)
    coefficients = np.empty((targets.shape[1], inputs.shape[1]))
    for penalty in np.unique(chosen):
        coefficients[chosen == penalty] = path.coefficients(float(penalty))[chosen == penalty] * favour
    return Fitted(coefficients, path.target_mean - coefficients @ (path.mean / _one(favour)), chosen)


class _Path:
    """Ridge regressions with any penalty, from one decomposition."""

    def __init__(self, inputs: Matrix, targets: Matrix, weights: Matrix) -> None:
        share = weights / weights.sum()
        self.mean, self.target_mean = share @ inputs, share @ targets
        root = np.sqrt(share)[:, None]
        scaled, aims = (inputs - self.mean) * root, (targets - self.target_mean) * root
        wide = inputs.shape[1] > len(inputs)
        values, basis = np.linalg.eigh(scaled @ scaled.T if wide else scaled.T @ scaled)
        self._values = np.maximum(values, 0.0)
        # Of the inputs, and how each direction of theirs takes part, before its penalty.
        self._basis = scaled.T @ basis if wide else basis
        self._parts = basis.T @ (aims if wide else scaled.T @ aims)

    def coefficients(self, penalty: float) -> Matrix:
        """(outputs, inputs)."""
        return np.asarray((self._basis @ (self._parts / (self._values + penalty)[:, None])).T)

    def predict(self, inputs: Matrix, penalty: float) -> Matrix:
        """(n, outputs)."""
        return np.asarray((inputs - self.mean) @ self.coefficients(penalty).T + self.target_mean)


def _one(favour: Matrix) -> Matrix:
    """`favour`, with 1 for what is left out."""
    return np.where(favour > 0, favour, 1.0)


def _inputs(head: RowHead, vectors: NDArray[np.float32], job: FoldJob) -> Matrix:
    """What the head's linear layer reads of each training row, the mean over its readings: (n, inputs)."""
    rows = job.train.encoded
    features = rows.spread(job.train.features)
    device = next(head.parameters()).device
    parts = []
    with torch.inference_mode():
        for start in range(0, len(rows.index), ROWS):
            part = slice(start, start + ROWS)
            pooled = torch.from_numpy(vectors[rows.index[part]].reshape(len(rows.index[part]), -1))
            joined = head.join(pooled.to(device), torch.from_numpy(features[part]).to(device))
            parts.append(joined.cpu().numpy())
    return rows.mean(np.concatenate(parts)).astype(np.float64)
