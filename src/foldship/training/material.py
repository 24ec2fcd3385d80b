"""What one fold learns from: rows, their targets, their weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foldship.modelling.store import ModelCard
from foldship.training import targets
from foldship.training.data import RowData
from foldship.training.pseudo import Teaching


@dataclass(frozen=True)
class Material:
    """The rows of all folds.

    Attributes:
        card: the model.
        data: labelled rows, then unlabelled ones; `targets` holds labels (rows, C), 0 where there are none.
        ids: of the labelled rows.
        shared: targets that belong to a row's group alone, by position.
        teaching: where the labels of the unlabelled rows come from; None where there are no such rows.
    """

    card: ModelCard
    data: RowData
    ids: pd.Series
    shared: NDArray[np.int64]
    teaching: Teaching | None

    def of_fold(
        self, fold: int, learn: NDArray[np.int64], held_out: NDArray[np.int64]
    ) -> tuple[RowData, NDArray[np.int64]]:
        """The rows that a fold learns from, pseudo-labelled ones last, and their positions in `data`.

        Unlabelled rows of a group that is held out are left out: the student must not learn their texts.

        Args:
            fold: its number.
            learn, held_out: positions of labelled rows.
        """
        config, data = self.card.config, self.data
        labels, groups = data.targets[learn], data.groups[learn]
        learnt, scale = targets.learnt(labels, groups, config, self.card.grid, self.shared)
        weights = targets.row_weights(groups, config)
        rows = learn
        if self.teaching is not None:
            unlabelled = np.arange(len(self.ids), len(data.groups))
            allowed = ~np.isin(data.groups[unlabelled], data.groups[held_out])
            given = self.teaching.labels(fold, self.ids.iloc[held_out], labels, groups, self.shared)
            learnt = np.concatenate([learnt, scale.apply(given[allowed])])
            own = np.ones(len(learn)) if weights is None else weights
            pseudo = np.full(int(allowed.sum()), self.teaching.config.weight)
            weights = np.concatenate([own, pseudo]).astype(np.float32)
            rows = np.concatenate([learn, unlabelled[allowed]])
        return replace(data.take(rows), targets=learnt, weights=weights), rows


def joined_groups(labelled: Iterable[object], unlabelled: Iterable[object]) -> NDArray[np.int64]:
    """Numbers for the groups of labelled rows followed by unlabelled ones, equal for equal groups."""
    names = [str(name) for name in (*labelled, *unlabelled)]
    return np.asarray(pd.factorize(np.array(names, dtype=object))[0], dtype=np.int64)
