"""Targets on a grid of levels as binary targets `t > v`, and their logits back to one per target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

SMALLEST = 1e-7  # above zero in fp16, too


@dataclass(frozen=True)
class Grid:
    """The levels of C targets, cut by K thresholds in all.

    Attributes:
        thresholds: of each target, ascending; each lies midway between two levels, so that no rounding of the
            labels carries one across.
        values: of each target, one more than thresholds: the mean of the levels between two of them.
    """

    thresholds: tuple[tuple[float, ...], ...]
    values: tuple[tuple[float, ...], ...]

    @classmethod
    def fit(cls, targets: NDArray[np.floating], most: int) -> Grid:
        """Thresholds between all levels of each column of `targets` (n, C), but at most `most`.

        Where there are more levels, the neighbouring two with the fewest rows are joined until they fit. A
        column of one value gets a threshold that no row exceeds.
        """
        columns = [_cut(column, most) for column in targets.T]
        return cls(tuple(column[0] for column in columns), tuple(column[1] for column in columns))

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Grid:
        return cls(*(tuple(tuple(column) for column in value[key]) for key in ("thresholds", "values")))

    @property
    def owners(self) -> NDArray[np.int64]:
        """(K,) int64, the target that each threshold belongs to."""
        return np.repeat(np.arange(len(self.thresholds)), [len(column) for column in self.thresholds])

    @property
    def shares(self) -> NDArray[np.float64]:
        """(C, K) float64: what each threshold adds to its target, as a share of the target's range."""
        result = np.zeros((len(self.values), len(self.owners)))
        gaps = [np.diff(column) / (column[-1] - column[0]) for column in self.values]
        result[self.owners, np.arange(len(self.owners))] = np.concatenate(gaps)
        return result

    def encode(self, targets: NDArray[np.floating]) -> NDArray[np.float32]:
        """Whether targets (n, C) exceed each threshold: (n, K) float32, 0 or 1."""
        exceeded = targets[:, self.owners] > np.concatenate(self.thresholds)
        return np.asarray(exceeded, dtype=np.float32)

    def encode_expected(self, targets: NDArray[np.floating]) -> NDArray[np.float32]:
        """Expected targets (n, C) as mixtures of the two nearest values: (n, K) float32 in [0, 1].

        Expected values of the result are `targets` again, up to the ends of each target's range.
        """
        low = np.concatenate([column[:-1] for column in self.values])
        high = np.concatenate([column[1:] for column in self.values])
        shares = (targets[:, self.owners] - low) / (high - low)
        return np.asarray(np.clip(shares, 0, 1), dtype=np.float32)

    def unscale(self, outputs: NDArray[np.floating]) -> NDArray[np.float64]:
        """Shares of each target's range (n, C), what `OrdinalDecode` predicts, as targets."""
        low, high = (np.array([column[end] for column in self.values]) for end in (0, -1))
        return np.asarray(low + outputs * (high - low))


def _cut(column: NDArray[np.floating], most: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Thresholds and values of one column."""
    levels, rows = np.unique(column.astype(np.float64), return_counts=True)
    if len(levels) == 1:
        return (float(levels[0]) + 0.5,), (float(levels[0]), float(levels[0]) + 1.0)
    starts = np.arange(len(levels))  # of the bins
    while len(starts) > most + 1:
        counts = np.add.reduceat(rows, starts)
        starts = np.delete(starts, int(np.argmin(counts[:-1] + counts[1:])) + 1)
    bins: Sequence[NDArray[np.float64]] = np.split(levels, starts[1:])
    thresholds = (levels[starts[1:] - 1] + levels[starts[1:]]) / 2
    return tuple(thresholds.tolist()), tuple(float(values.mean()) for values in bins)


class OrdinalDecode(nn.Module):
    """K logits of thresholds to C logits of expected values, the last layer of a head in evaluation."""

    def __init__(self, grid: Grid) -> None:
        super().__init__()
        self.shares: Tensor
        self.owners: Tensor
        # Not among the weights: they follow from the model's card.
        shares = torch.from_numpy(grid.shares.T.astype(np.float32))
        self.register_buffer("shares", shares, persistent=False)
        self.register_buffer("owners", torch.from_numpy(grid.owners), persistent=False)

    @property
    def inputs(self) -> int:
        """Number of logits that go in."""
        return len(self.shares)

    def forward(self, outputs: Tensor) -> Tensor:
        """(N, K) -> (N, C), fp32: logit of the expected value as a share of the target's range, in +-16.2."""
        with torch.autocast(outputs.device.type, enabled=False):
            outputs = outputs.float()
            # Both ends are summed up, because 1 - x would round what is close to 1.
            above, below = (torch.sigmoid(side) @ self.shares for side in (outputs, -outputs))
            return above.clamp(min=SMALLEST).log() - below.clamp(min=SMALLEST).log()

    def expected(self, probabilities: Tensor) -> Tensor:
        """(N, K) in [0, 1] -> (N, C): expected shares of the range, rounded so that ties stay ties."""
        with torch.autocast(probabilities.device.type, enabled=False):
            return (probabilities.float() @ self.shares).round(decimals=5)
