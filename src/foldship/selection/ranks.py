"""Spearman's correlation of a column after any tying of its rows, from sums that are made once.

Tying sorted rows i to j gives them their mean rank; a monotone step is a partition of the sorted rows into
such groups and rows that stay apart. With centred ranks its correlation is N / (D * |truth|), where N sums,
over the groups, mean rank times the sum of the truth's ranks, and D^2 sums size times mean rank squared. All
of these come from cumulative sums, so a candidate costs as many operations as it has groups, whatever the
rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from foldship.metrics import centred_ranks

Column = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Ranked:
    """A column in the order of its predictions.

    Attributes:
        value: (n,) float64 predictions, ascending.
        rank: (n,) float64, their centred ranks; equal values share their mean rank.
        target: (n,) float64 with sum 0: centred ranks of the truth, or what they are expected to be.
        order: (n,) int64, the row that each came from.
    """

    value: Column
    rank: Column
    target: Column
    order: Places

    @classmethod
    def of(cls, truth: Column, prediction: Column) -> Ranked:
        """Sort both (n,) columns by the prediction."""
        order = np.argsort(prediction, kind="stable")
        return cls(
            prediction[order],
            centred_ranks(prediction[:, None])[order, 0],
            centred_ranks(truth[:, None])[order, 0],
            order,
        )

    def expecting(self, target: Column) -> Ranked:
        """The same predictions with another target (n,), which is centred."""
        return replace(self, target=target - target.mean())

    @property
    def is_constant(self) -> bool:
        """Whether truth or prediction hold one value only, so that there is no correlation."""
        return not (self.target.any() and self.rank.any())

    @cached_property
    def sums(self) -> tuple[Column, Column, Column]:
        """(n + 1,) cumulative sums from 0: target, target times rank, rank squared."""
        parts = (self.target, self.target * self.rank, self.rank * self.rank)
        first, second, third = (np.concatenate([[0.0], np.cumsum(part)]) for part in parts)
        return first, second, third

    @cached_property
    def raw(self) -> float:
        """Correlation with nothing tied; 0 where there is none."""
        return self.ratio(self.sums[1][-1], self.sums[2][-1])

    def ratio(self, product: float, square: float) -> float:
        """Correlation for N and D^2; 0 where there is none."""
        scale = np.sqrt(max(square, 0.0) * (self.target @ self.target))
        return float(product / scale) if scale > 0 else 0.0

    def quantiles(self, shares: Column) -> Column:
        """Distinct predictions at these shares of the rows, ascending."""
        places = np.ceil(shares * len(self.value) - 1e-9).astype(np.int64) - 1
        return np.unique(self.value[np.clip(places, 0, len(self.value) - 1)])

    def partition(self, edges: Places) -> float:
        """Correlation when the rows between one edge and the next are tied.

        Args:
            edges: (groups + 1,) places, ascending from 0 to n, that separate distinct values.
        """
        middle = (edges[1:] + edges[:-1] - len(self.value)) / 2  # mean rank, less (n + 1) / 2
        product = middle @ np.diff(self.sums[0][edges])
        return self.ratio(float(product), float(middle**2 @ np.diff(edges)))

    def tied(self, processed: Column) -> float:
        """Correlation of a column (n,) that is `value` after a monotone step."""
        starts = np.flatnonzero(np.diff(processed)) + 1
        return self.partition(np.concatenate([[0], starts, [len(processed)]]))
