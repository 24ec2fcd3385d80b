"""Metrics by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from foldship.metrics import classes, columns
from foldship.metrics.base import Array, Score
from foldship.metrics.ranks import spearman
from foldship_kernel.errors import FoldshipError
from foldship_kernel.tasks import CLASSES


@dataclass(frozen=True)
class OfColumns:
    """A score of each column for itself; see `columns`."""

    name: str

    def __call__(self, truth: Array, prediction: Array) -> Array:
        """(C,) scores of (n, C) tables."""
        return columns.score(self.name, truth, prediction)


@dataclass(frozen=True)
class OfClasses:
    """A score of the table as a whole, which stands for every column; see `classes`.

    Attributes:
        name: of the metric.
        without: places of classes that F1, accuracy and areas leave out.
        k: how far down "map" looks.
    """

    name: str
    without: tuple[int, ...] = ()
    k: int = 3

    def __call__(self, truth: Array, prediction: Array) -> Array:
        """(C,) times the score of (n, C) tables."""
        counted = np.ones(truth.shape[1], dtype=np.bool_)
        counted[list(self.without)] = False
        found = classes.score(self.name, truth, prediction, counted, self.k)
        return np.full(truth.shape[1], found)


def build(name: str, kind: str, targets: Sequence[str], without: Sequence[str] = (), k: int = 3) -> Score:
    """The metric of this name.

    Args:
        name: as in `competition.yaml`.
        kind: of the targets, "numbers" or "classes".
        targets: their names.
        without: classes that are left out.
        k: how far down "map" looks.

    Raises:
        FoldshipError: there is no such metric for targets of this kind, or no such class.
    """
    known = classes.NAMES if kind == CLASSES else columns.NAMES
    if name not in known:
        other = columns.NAMES if kind == CLASSES else classes.NAMES
        raise FoldshipError(
            f"metric: there is no {name!r} for targets that are {kind}",
            expected=f"one of {', '.join(known)}",
            found=f"{name}, which other targets have" if name in other else name,
            fix="name one of these in competition.yaml",
        )
    if without and not (kind == CLASSES and name in classes.WITHOUT):
        raise FoldshipError(
            f"metric.without: {name} leaves nothing out",
            expected=f"without, with classes and one of {', '.join(sorted(classes.WITHOUT))}",
            found=", ".join(without),
            fix="remove without, or name another metric in competition.yaml",
        )
    if kind != CLASSES:
        return spearman if name == "spearman" else OfColumns(name)
    unknown = [label for label in without if label not in targets]
    if unknown:
        raise FoldshipError(
            f"metric.without: there is no class {unknown[0]!r}",
            expected=f"names among {', '.join(targets)}",
            fix="correct the name in competition.yaml",
        )
    return OfClasses(name, tuple(list(targets).index(label) for label in without), k)


def decision(score: Score) -> str:
    """How a metric decides what a number means before it compares it, see `foldship_kernel.decisions`.

    "" where it takes numbers as they are, and for classes, of which it takes the likeliest.
    """
    return columns.DECIDING.get(score.name, "") if isinstance(score, OfColumns) else ""


def of_order(name: str, kind: str) -> bool:
    """Whether the metric compares rows with each other, and does not judge each by itself."""
    return name in (classes.OF_ORDER if kind == CLASSES else columns.OF_ORDER)
