"""Losses of a batch's outputs, and their weighted sum as a model's settings ask for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from foldship.config.objective import Bce, Huber, Loss, MarginRanking, Mse, SmoothL1, SoftSpearman
from foldship.config.schema import Model
from foldship.modelling.ordinal import OrdinalDecode
from foldship_kernel.errors import FoldshipError

FLAT = 1e-6  # variance of ranks, scaled to [0, 1], that makes little difference to a correlation


@dataclass(frozen=True)
class Criterion:
    """The weighted sum of a model's losses, in fp32.

    Attributes:
        losses: what is summed up.
        decode: joins the outputs of ordinal targets to one logit each; None where there is one output each.
        columns: (C,) weight of each target; None where all weigh the same.
    """

    losses: tuple[Loss, ...]
    decode: OrdinalDecode | None = None
    columns: Tensor | None = None

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
                if isinstance(loss, MarginRanking | SoftSpearman):
                    found = self._of_order(loss, outputs, targets, weights)
                else:
                    found = self._of_elements(loss, outputs, targets, weights)
                total = total + loss.weight * found
            return total

    def _of_elements(
        self, loss: Bce | Mse | SmoothL1 | Huber, outputs: Tensor, targets: Tensor, weights: Tensor | None
    ) -> Tensor:
        elements = elementwise(loss, outputs, targets)
        if weights is not None:
            elements = elements * weights[:, None]
        if self.columns is None:
            return elements.mean()
        columns = self.columns.to(outputs.device)
        if self.decode is not None:
            columns = columns[self.decode.owners]
        return _mean(elements.mean(0), columns)

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


def criterion(config: Model, targets: Sequence[str], decode: OrdinalDecode | None = None) -> Criterion:
    """The criterion that `config` asks for.

    Args:
        config: the model's settings.
        targets: names of the C targets.
        decode: of the head, where targets are ordinal.

    Raises:
        FoldshipError: `column_weights` names an unknown target, or leaves none to learn.
    """
    columns = _column_weights(config.column_weights, targets) if config.column_weights else None
    return Criterion(config.losses, decode, columns)


def elementwise(loss: Bce | Mse | SmoothL1 | Huber, logits: Tensor, targets: Tensor) -> Tensor:
    """The loss of each output: (N, K), of logits and targets of that shape."""
    if isinstance(loss, Bce):
        return functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    outputs = torch.sigmoid(logits)
    if isinstance(loss, Mse):
        return functional.mse_loss(outputs, targets, reduction="none")
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


def _column_weights(weights: Mapping[str, float], targets: Sequence[str]) -> Tensor:
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
