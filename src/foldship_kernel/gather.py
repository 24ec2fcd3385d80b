"""Several folds' outputs, kept as one sum per model: K folds do not take K tables of memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_KINDS = ("total", "folds")


@dataclass(frozen=True)
class _Sum:
    total: NDArray[np.float64]
    folds: NDArray[np.int64]


class Gathered:
    """Outputs of the folds so far; adding to it gives a new one and leaves it as it was.

    Attributes:
        units: names of the folds, in the order they came.

    """

    def __init__(self) -> None:
        self.units: tuple[str, ...] = ()
        self._sums: dict[str, _Sum] = {}

    def plus(self, unit: str, model: str, outputs: NDArray[np.float64]) -> Gathered:
        """The same and one more fold's outputs (rows, targets); rows of NaN are not counted."""
        reached: NDArray[np.bool_] = np.asarray(np.isfinite(outputs).all(axis=1))
        before = self._sums.get(model)
        total, folds = np.where(reached[:, None], outputs, 0.0), reached.astype(np.int64)
        if before:
            total, folds = total + before.total, folds + before.folds
        result = Gathered()
        result.units = (*self.units, unit)
        result._sums = {**self._sums, model: _Sum(total, folds)}
        return result

    def save(self, path: Path) -> None:
        """Write all of it, for a worker that has to go on after this one."""
        arrays = {f"{kind}.{name}": getattr(s, kind) for name, s in self._sums.items() for kind in _KINDS}
        with path.with_suffix(".part").open("wb") as stream:
            np.savez(stream, units=np.array(self.units), **arrays)
        path.with_suffix(".part").replace(path)

    @classmethod
    def load(cls, path: Path) -> Gathered:
        """Read what `save` wrote."""
        result = cls()
        with np.load(path, allow_pickle=False) as arrays:
            result.units = tuple(arrays["units"].tolist())
            names = {key.partition(".")[2] for key in arrays.files if key != "units"}
            result._sums = {name: _Sum(*(arrays[f"{kind}.{name}"] for kind in _KINDS)) for name in names}
        return result

    @property
    def models(self) -> frozenset[str]:
        """Models with any fold."""
        return frozenset(self._sums)

    def groups(self) -> Iterator[tuple[frozenset[str], NDArray[np.int64], dict[str, NDArray[np.float64]]]]:
        """Rows that the same models have read: the models, row numbers, and each model's mean of folds."""
        names = sorted(self._sums)
        read = np.stack([self._sums[name].folds > 0 for name in names], axis=1)
        patterns, inverse = np.unique(read, axis=0, return_inverse=True)
        for number, pattern in enumerate(patterns):
            rows = np.flatnonzero(inverse.reshape(-1) == number)
            present = [name for name, has in zip(names, pattern, strict=True) if has]
            means = {
                name: self._sums[name].total[rows] / self._sums[name].folds[rows, None] for name in present
            }
            yield frozenset(present), rows, means
