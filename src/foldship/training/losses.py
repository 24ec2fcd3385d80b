"""Losses of a batch's outputs, and their weighted sum as a model's settings ask for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from foldship.config.objective import (
    L1,
    Bce,
    CrossEntropy,
    Focal,
    Huber,
    Ldam,
    Loss,
    MarginRanking,
    Mse,
    OfClasses,
    SmoothL1,
    SoftSpearman,
)
from foldship.config.schema import Model
from foldship.modelling.ordinal import OrdinalDecode
from foldship_kernel.errors import FoldshipError
from foldship_kernel.tasks import CLASSES, NUMBERS, Task

Element = Bce | Mse | L1 | SmoothL1 | Huber

FLAT = 1e-6  # variance of ranks, scaled to [0, 1], that makes little difference to a correlation


@dataclass(frozen=True)
class Criterion:
    """The weighted sum of a model's losses, in fp32.

    Attributes:
        losses: what is summed up.
        decode: joins the outputs of ordinal targets to one logit each; None where there is one output each.
        columns: (C,) weight of each target, or of each class in the rows that are of it; None where all weigh
            the same.
        shares: (C,) share of each class in the training rows; None where no loss asks for it.
    """

    losses: tuple[Loss, ...]
    decode: OrdinalDecode | None = None
    columns: Tensor | None = None
    shares: Tensor | None = None

    def __call__(self, outputs: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        """Scalar loss. A row's weight multiplies what the row adds: a batch of light rows has a small loss.

        Args:
            outputs: (N, K) logits, in any number format.
            targets: (N, K) float32 in [0, 1].
            weights: (N,) float32 of the rows; None where all weigh 1.
        """
        with torch.autocast(outputs.device.type, enabled=False):
            outputs = outputs.float()
            total = outputs.new_zeros(())
            for loss in self.losses:
                if isinstance(loss, CrossEntropy | Focal | Ldam):
                    found = self._of_classes(loss, outputs, targets, weights)
                elif isinstance(loss, MarginRanking | SoftSpearman):
                    found = self._of_order(loss, outputs, targets, weights)
                else:
                    found = self._of_elements(loss, outputs, targets, weights)
                total = total + loss.weight * found
            return total

    def _of_elements(self, loss: Element, outputs: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        elements = elementwise(loss, outputs, targets)
        if weights is not None:
            elements = elements * weights[:, None]
        if self.columns is None:
            return elements.mean()
        columns = self.columns.to(outputs.device)
        if self.decode is not None:
            columns = columns[self.decode.owners]
        return _mean(elements.mean(0), columns)

    def _of_classes(
        self, loss: OfClasses, outputs: Tensor, targets: Tensor, weights: Tensor | None
    ) -> Tensor:
        if isinstance(loss, Ldam):
            assert self.shares is not None
            outputs = ldam(outputs, targets, self.shares.to(outputs.device), loss.margin) * loss.scale
        found = class_rows(outputs, targets, loss.gamma if isinstance(loss, Focal) else 0.0)
        if weights is not None:
            found = found * weights
        if self.columns is None:
            return found.mean()
        # As torch's own: the mean is over the weights, so that they do not change the size of a step.
        return _mean(found, targets @ self.columns.to(outputs.device))

    def _of_order(
        self, loss: MarginRanking | SoftSpearman, outputs: Tensor, targets: Tensor, weights: Tensor | None
    ) -> Tensor:
        if self.decode is not None:
            outputs, targets = self.decode(outputs), self.decode.expected(targets)
        if isinstance(loss, MarginRanking):
            found, usable = margin_ranking(outputs, targets, loss.margin, weights)
        else:
            found, usable = soft_spearman(outputs, targets, loss.temperature, weights)
        shares = usable.to(found.dtype)
        return _mean(found, shares if self.columns is None else shares * self.columns.to(found.device))


def criterion(
    config: Model,
    task: Task,
    decode: OrdinalDecode | None = None,
    shares: NDArray[np.floating] | None = None,
) -> Criterion:
    """The criterion that `config` asks for.

    Args:
        config: the model's settings.
        task: the competition.
        decode: of the head, where targets are ordinal.
        shares: (C,) mean of each target over the training rows; None to look at the settings alone.

    Raises:
        FoldshipError: a loss does not fit the targets, or `column_weights` names an unknown target, or leaves
            none to learn.
    """
    of_classes = task.kind == CLASSES
    losses: tuple[Loss, ...] = config.losses or (CrossEntropy(kind="cross_entropy") if of_classes else Bce(),)
    for loss in losses:
        if isinstance(loss, CrossEntropy | Focal | Ldam) != of_classes:
            raise FoldshipError(
                f"losses: {loss.kind} does not fit the competition {task.name}",
                expected=f"a loss for targets that are {task.kind}: "
                + ("cross_entropy, focal, ldam" if of_classes else "bce, mse, l1 and others"),
                found=f"{loss.kind}, whose targets are {NUMBERS if of_classes else CLASSES}",
                fix="name another one, or none for the default",
            )
    known = np.ones(len(task.targets)) if shares is None else shares
    columns = _column_weights(config.column_weights, task.targets, known) if config.column_weights else None
    return Criterion(losses, decode, columns, torch.from_numpy(np.asarray(known, dtype=np.float32)))


def class_rows(logits: Tensor, targets: Tensor, gamma: float) -> Tensor:
    """Cross-entropy of each row, (N,), of logits and targets (N, C); `gamma` above 0 makes it focal."""
    logs = functional.log_softmax(logits, dim=1)
    if gamma:
        logs = logs * (1 - logs.exp()) ** gamma
    return -(targets * logs).sum(1)


def ldam(logits: Tensor, targets: Tensor, shares: Tensor, margin: float) -> Tensor:
    """Logits (N, C) less the true class's margin: `margin` for the rarest, falling as n^(1/4) rises."""
    size = shares.clamp(min=1e-9) ** -0.25
    present = shares > 0
    return logits - targets * (margin * size / size[present].max()) * present


def elementwise(loss: Element, logits: Tensor, targets: Tensor) -> Tensor:
    """The loss of each output: (N, K), of logits and targets of that shape."""
    if isinstance(loss, Bce):
        return functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    outputs = torch.sigmoid(logits)
    if isinstance(loss, Mse):
        return functional.mse_loss(outputs, targets, reduction="none")
    if isinstance(loss, L1):
        return functional.l1_loss(outputs, targets, reduction="none")
    if isinstance(loss, SmoothL1):
        return functional.smooth_l1_loss(outputs, targets, reduction="none", beta=loss.beta)
    return functional.huber_loss(outputs, targets, reduction="none", delta=loss.delta)


def margin_ranking(
    logits: Tensor, targets: Tensor, margin: float, weights: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Mean over the pairs of rows whose targets differ of how far they are from `margin` in the right order.

    Args:
        logits, targets: (N, C).
        margin: of the logits.
        weights: (N,) of the rows; a pair weighs the product.

    Returns:
        The loss of each column (C,), and which columns have such a pair; the others' loss is 0.
    """
    above = targets[:, None] > targets[None]  # (N, N, C): the first row of the pair belongs above the second
    missing = functional.relu(margin - (logits[:, None] - logits[None]))
    if weights is not None:
        missing = missing * (weights[:, None] * weights[None])[..., None]
    pairs = above.sum((0, 1))
    return (missing * above).sum((0, 1)) / pairs.clamp(min=1), pairs > 0


def soft_spearman(
    logits: Tensor, targets: Tensor, temperature: float, weights: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """1 less Spearman's correlation of each column, with ranks that have a gradient.

    A row's rank is the number of rows below it, counted by sigmoids of the differences over `temperature`
    (Qin et al. 2010, https://doi.org/10.1007/s10791-009-9124-x); it becomes the usual rank, the mean one for
    ties, as the temperature falls to 0.

    Args:
        logits, targets: (N, C).
        temperature: of the logits.
        weights: (N,) of the rows, in ranks and correlation; their mean multiplies the loss.

    Returns:
        The loss of each column (C,), and which columns vary in `targets`; the others' loss is 0.
    """
    weights = torch.ones_like(logits[:, 0]) if weights is None else weights
    share = (weights / weights.sum())[:, None]
    difference = targets[:, None] - targets[None]  # (N, N, C): of the first row to the second
    below = (difference > 0).float() + (difference == 0).float() / 2
    truth = (share * below).sum(1)
    ranks = (share * torch.sigmoid((logits[:, None] - logits[None]) / temperature)).sum(1)
    ranks, truth = (values - (share * values).sum(0) for values in (ranks, truth))
    varies = (targets != targets[:1]).any(0)
    covariance = (share * ranks * truth).sum(0)
    spread = ((share * ranks * ranks).sum(0) + FLAT) * (share * truth * truth).sum(0)
    correlation = covariance * torch.where(varies, spread, 1.0).rsqrt()
    return weights.mean() * (1 - correlation) * varies, varies


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean of (K,) values; 0, with gradient 0, where all weights are 0."""
    total = weights.sum()
    return (values * weights).sum() / torch.where(total > 0, total, 1.0)


def _column_weights(
    weights: Mapping[str, float] | Literal["balanced"], targets: Sequence[str], shares: NDArray[np.floating]
) -> Tensor:
    if weights == "balanced":  # each weighs as much as any other; what is not there weighs nothing
        balanced = np.divide(1.0, shares, out=np.zeros(len(shares)), where=shares > 0)
        return torch.from_numpy((balanced / balanced.sum() * len(shares)).astype(np.float32))
    unknown = [name for name in weights if name not in targets]
    if unknown:
        raise FoldshipError(
            f"column_weights: the competition has no target {unknown[0]!r}",
            expected=f"names among {', '.join(targets)}",
            fix="correct the name in kernels/<competition>/",
        )
    columns = torch.tensor([float(weights.get(name, 1.0)) for name in targets])
    if not columns.any():
        raise FoldshipError(
            "column_weights: no target is left to learn",
            expected="a weight above 0 for at least one target",
            fix="raise one of the weights, or leave a target out of column_weights: it then weighs 1",
        )
    return columns
