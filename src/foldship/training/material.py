"""What one fold learns from: rows, their targets, their weights."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foldship.modelling import reading
from foldship.modelling.store import ModelCard
from foldship.training import augment, targets
from foldship.training.data import RowData
from foldship.training.pseudo import Teaching
from foldship_kernel.features import FeatureSpec


@dataclass(frozen=True)
class Material:
    """The rows of all folds.

    Attributes:
        card: the model.
        tokenizer: path of `tokenizer.json`.
        data: labelled rows, then unlabelled ones; `targets` holds labels (rows, C) from 0 to
            1, 0 where there are none.
        rows: the labelled rows, texts and targets.
        shared: targets that belong to a row's group alone, by position.
        teaching: where the labels of the unlabelled rows come from; None where there are no such rows.
    """

    card: ModelCard
    tokenizer: Path
    data: RowData
    rows: pd.DataFrame
    shared: NDArray[np.int64]
    teaching: Teaching | None

    def shortened(self, longest: int) -> Material:
        """The same rows with no sequence longer than `longest` tokens."""
        encoding = self.card.encoding.shortened(longest)
        if encoding == self.card.encoding:
            return self
        task = self.card.task
        every = every_row(self.rows, self.teaching)
        encoded, _ = reading.read_rows(every, task, self.tokenizer, encoding, FeatureSpec())
        card = replace(self.card, encoding=encoding)
        return replace(self, card=card, data=replace(self.data, encoded=encoded))

    def of_fold(
        self, fold: int, learn: NDArray[np.int64], held_out: NDArray[np.int64], seed: int
    ) -> tuple[RowData, int, NDArray[np.int64] | None]:
        """What a fold learns from.

        Unlabelled rows of a group that is held out are left out: the student must not learn their texts.

        Args:
            fold: its number.
            learn, held_out: positions of labelled rows.
            seed: of the fold.

        Returns:
            The rows, pseudo-labelled ones last; how many of these there are; and the positions of all in
            `data`, None where rows were made up that are not there.
        """
        config, data, task = self.card.config, self.data, self.card.task
        labelled = augment.with_further_rows(
            data.take(learn), self.rows.iloc[learn], self.card, task, self.tokenizer, seed
        )
        labels, groups = labelled.targets, labelled.groups
        learnt, scale = targets.learnt(labels, groups, config, self.card.grid, self.shared)
        weights = targets.row_weights(groups, config)
        if self.teaching is None:
            rows = replace(labelled, targets=learnt, weights=weights)
            return rows, 0, learn if len(labels) == len(learn) else None
        unlabelled = np.arange(len(self.rows), len(data.groups))
        allowed = ~np.isin(data.groups[unlabelled], data.groups[held_out])
        ids = self.rows[task.id].iloc[held_out]
        own = data.take(learn)  # what the teacher, who makes up no rows, learnt from
        given = self.teaching.labels(fold, ids, own.targets, own.groups, self.shared)[allowed]
        further = replace(
            data.take(unlabelled[allowed]),
            weights=np.full(len(given), self.teaching.config.weight, np.float32),
        )
        positions = np.concatenate([learn, unlabelled[allowed]])
        made_up = len(labels) > len(learn)
        rows = replace(labelled, weights=weights).plus(further)
        if not made_up:  # in the order of `data`, which vectors that are computed once go by
            rows = replace(data.take(positions), weights=rows.weights)
        rows = replace(rows, targets=np.concatenate([learnt, scale.apply(given)]))
        return rows, len(given), None if made_up else positions


def every_row(rows: pd.DataFrame, teaching: Teaching | None) -> pd.DataFrame:
    """Labelled rows, then unlabelled ones if there are any."""
    return rows if teaching is None else pd.concat([rows, teaching.unlabelled.rows], ignore_index=True)


def joined_groups(labelled: Iterable[object], unlabelled: Iterable[object]) -> NDArray[np.int64]:
    """Numbers for the groups of labelled rows followed by unlabelled ones, equal for equal groups."""
    names = [str(name) for name in (*labelled, *unlabelled)]
    return np.asarray(pd.factorize(np.array(names, dtype=object))[0], dtype=np.int64)
