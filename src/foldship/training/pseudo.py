"""Pseudo-labels, strictly by fold: test rows as the teacher's fold of the same number predicts them.

That fold never saw the rows that the student's fold holds out, so it teaches nothing of their labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foldship import receipts
from foldship.config.objective import PseudoLabels
from foldship.config.schema import Model
from foldship.modelling import predict, reading, store
from foldship.modelling.store import OUT_OF_FOLD, TOKENIZER, WEIGHTS
from foldship.training import precision, targets
from foldship_kernel import manifest
from foldship_kernel.atomic import write_csv
from foldship_kernel.errors import FoldshipError
from foldship_kernel.tasks import Task

PREDICTIONS, RECEIPT = "unlabelled.csv", "unlabelled.json"


@dataclass(frozen=True)
class Unlabelled:
    """Rows without labels.

    Attributes:
        rows: id, texts and metadata, as training rows have them.
        groups: group of each row, made as for training rows.
    """

    rows: pd.DataFrame
    groups: pd.Series


@dataclass(frozen=True)
class Teaching:
    """Who labels what for a model.

    Attributes:
        config: weight and stages.
        teacher: folder of the trained teacher.
        task: the competition's task.
        unlabelled: the rows that are labelled.
    """

    config: PseudoLabels
    teacher: Path
    task: Task
    unlabelled: Unlabelled

    def fingerprint(self) -> list[str]:
        """Hashes of all that the pseudo-labels depend on."""
        return [store.fingerprint(self.teacher), receipts.digest(self.unlabelled.rows.to_csv(index=False))]

    def labels(
        self,
        fold: int,
        held_out: pd.Series,
        labels: NDArray[np.float32],
        groups: NDArray[np.int64],
        shared: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """The labels that the teacher's fold expects of all unlabelled rows: (rows, C), from 0 to 1.

        Args:
            fold: its number.
            held_out: ids that the student's fold holds out.
            labels, groups, shared: of the fold's training rows, as `targets.learnt` takes them: they tell how
                the teacher's labels were scaled.

        Raises:
            FoldshipError: the teacher's fold did not hold out these ids, or cannot be loaded.
        """
        self._check(fold, held_out)
        card = store.load_card(self.teacher)
        _, scale = targets.learnt(labels, groups, card.config, card.grid, shared)
        predicted = self.predictions(fold)[list(self.task.targets)].to_numpy(np.float64)
        return scale.undo(self.task.to_unit(predicted))

    def predictions(self, fold: int) -> pd.DataFrame:
        """Outputs of the teacher's fold for each unlabelled row, by id; kept beside its weights."""
        folder = self.teacher / f"fold{fold}"
        path, ids = folder / PREDICTIONS, self.unlabelled.rows[self.task.id]
        weights = manifest.sha256(folder / WEIGHTS) if (folder / WEIGHTS).is_file() else None
        inputs = receipts.digest([*self.fingerprint(), fold, weights])
        if not path.is_file() or not receipts.is_current(folder, inputs, RECEIPT):
            table = pd.DataFrame(self._predict(fold), columns=list(self.task.targets))
            table.insert(0, self.task.id, ids.to_numpy())
            write_csv(path, table)
            receipts.write(folder, inputs, {"fold": fold, "rows": len(table)}, RECEIPT)
        return pd.read_csv(path, dtype={self.task.id: str}).set_index(self.task.id).loc[list(ids)]

    def _predict(self, fold: int) -> NDArray[np.float64]:
        card = store.load_card(self.teacher)
        model = store.load_fold(self.teacher, fold, attention="sdpa").to(precision.device())
        encoded, features = reading.read_rows(
            self.unlabelled.rows, self.task, self.teacher / TOKENIZER, card.encoding, card.features
        )
        vectors = predict.encode(
            model, encoded, card.encoding, describe=f"{card.name} fold {fold}: unlabelled rows"
        )
        return self.task.outputs(predict.logits(model, vectors, encoded, features))

    def _check(self, fold: int, held_out: pd.Series) -> None:
        path = self.teacher / f"fold{fold}" / OUT_OF_FOLD
        known = set(pd.read_csv(path, dtype={self.task.id: str})[self.task.id]) if path.is_file() else set()
        if known != set(held_out):
            raise FoldshipError(
                f"pseudo_labels: fold {fold} of {self.teacher.name!r} held out other rows than the "
                "student's does, so it may have learnt from them",
                expected=f"the same {len(held_out)} ids in {path}",
                found=f"{len(known)} ids, {len(known & set(held_out))} of them the same",
                fix="train both on the same folds",
            )


def teaching(config: Model, task: Task, weights: Path, unlabelled: Unlabelled | None) -> Teaching | None:
    """A model's pseudo-labels; None where it learns from none.

    Args:
        config: the model's settings.
        task: the competition's task.
        weights: the competition's folder for weights, with the teacher in it.
        unlabelled: rows to label.

    Raises:
        FoldshipError: there are no such rows.
    """
    if config.pseudo_labels is None:
        return None
    if unlabelled is None:
        raise FoldshipError(
            "pseudo_labels: there are no rows to label",
            expected="test rows of the competition",
            fix="name a DATA folder that holds them, or remove pseudo_labels",
        )
    return Teaching(config.pseudo_labels, weights / config.pseudo_labels.teacher, task, unlabelled)
