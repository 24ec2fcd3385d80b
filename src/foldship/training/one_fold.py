"""One fold of a model: trained, its held-out rows predicted, its receipt written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from foldship import metrics, receipts
from foldship.config.stages import Ridge
from foldship.mishaps import step
from foldship.modelling.model import RowModel
from foldship.modelling.store import OUT_OF_FOLD, WEIGHTS, ModelCard
from foldship.training import disk, frozen_states, precision
from foldship.training import fold as folds
from foldship.training.data import RowData
from foldship.training.job import FoldJob, encode
from foldship.training.material import Material
from foldship.training.trainer import DivergedError
from foldship_kernel.atomic import replacing, write_csv
from foldship_kernel.errors import FoldshipError

VECTORS = "frozen-vectors.npy"


@dataclass(frozen=True)
class OneFold:
    """What it takes to train a fold, in this process or, pickled, in another.

    Attributes:
        material: the rows of all folds.
        model_folder: the model's.
        number: of the fold.
        fold_of: fold of each row.
        truth: labels, (rows, targets).
        seed: of the model.
        score: the metric.
        frozen: files of the states of frozen layers, of `material`'s sequences, by number of layers.
    """

    material: Material
    model_folder: Path
    number: int
    fold_of: NDArray[np.int64]
    truth: NDArray[np.float64]
    seed: int
    score: metrics.Score
    frozen: Mapping[int, Path] = field(default_factory=dict)

    @step("{self.material.card.name} fold {self.number}")
    def train(self) -> None:
        """Train it, or go on from its last checkpoint.

        Raises:
            FoldshipError: training diverged, or the disk is full.
        """
        made_with = {"code": receipts.digest(receipts.code()), "threads": torch.get_num_threads()}
        material, number = self.material, self.number
        card, data = material.card, material.data
        task, folder = card.task, self.model_folder / f"fold{number}"
        learn, held_out = np.flatnonzero(self.fold_of != number), np.flatnonzero(self.fold_of == number)
        train, pseudo_labelled, positions = material.of_fold(number, learn, held_out, self.seed + number)
        job = FoldJob(
            card=card,
            fold=number,
            train=train,
            held_out=data.take(held_out),
            score=lambda logits: self._score(held_out, task.outputs(logits)),
            folder=folder,
            seed=self.seed + number,
            shortened=lambda longest: material.shortened(longest).of_fold(
                number, learn, held_out, self.seed + number
            )[0],
            frozen_vectors=lambda model: (
                encode(card, model, train, "frozen encoder")
                if positions is None
                else frozen_vectors(self.model_folder, card, model, data)[data.encoded.used(positions)]
            ),
            held_out_vectors=lambda: (
                frozen_vectors(self.model_folder, card, None, data)[data.encoded.used(held_out)]
                if isinstance(card.config.stages[0], Ridge) and positions is not None
                else None
            ),
            frozen_states=lambda layers: (
                None
                if positions is None or layers not in self.frozen
                else frozen_states.load(self.frozen[layers], data.encoded, layers).take(
                    data.encoded.used(positions)
                )
            ),
            pseudo=pseudo_labelled,
        )
        taught = f", {pseudo_labelled} pseudo-labelled" if material.teaching else ""
        print(
            f"{card.name} fold {number}: {len(train.features) - pseudo_labelled} rows to learn from, "
            f"{len(held_out)} held out{taught}",
            flush=True,
        )
        with disk.named(self.model_folder):
            try:
                outputs = task.outputs(folds.train(job))
            except DivergedError as error:
                folds.discard_stages(folder)
                raise error.of(f"{card.name} fold {number}") from None
            if not np.isfinite(outputs).all():
                folds.discard_stages(folder)
                raise FoldshipError(
                    f"{card.name} fold {number}: training diverged, its predictions are not finite",
                    expected="finite predictions",
                    found=f"{(~np.isfinite(outputs)).sum()} that are not",
                    fix="lower encoder_lr and head_lr, or set precision: fp32, and train again",
                )
            table = pd.DataFrame(outputs, columns=list(task.targets))
            table.insert(0, task.id, material.rows[task.id].to_numpy()[held_out])
            table["fold"] = number
            write_csv(folder / OUT_OF_FOLD, table)
            score = self._score(held_out, outputs)
            receipts.write(
                folder,
                _inputs(card, number),
                {
                    "fold": number,
                    "score": None if np.isnan(score) else score,
                    "rows": len(learn),
                    "device": precision.device().type,
                    **made_with,
                },
            )
        folds.discard_stages(folder)
        print(f"{card.name} fold {number}: out-of-fold score {score:.4f}", flush=True)

    def _score(self, rows: NDArray[np.int64], outputs: NDArray[np.float64]) -> float:
        """Mean over the columns that can be scored; NaN where none can."""
        scores = self.score(self.truth[rows], outputs)
        return float(metrics.mean_of_known(scores[:, None])[0])


def is_finished(card: ModelCard, model_folder: Path, number: int) -> bool:
    """Whether a fold was trained before, on just this; says so."""
    folder = model_folder / f"fold{number}"
    files = (folder / WEIGHTS, folder / OUT_OF_FOLD)
    if not (receipts.is_current(folder, _inputs(card, number)) and all(file.is_file() for file in files)):
        return False
    folds.discard_stages(folder)
    print(f"{card.name} fold {number}: finished before, kept", flush=True)
    return True


def _inputs(card: ModelCard, number: int) -> str:
    return receipts.digest([card.fingerprint, number])


def frozen_vectors(
    folder: Path, card: ModelCard, model: RowModel | None, data: RowData
) -> NDArray[np.float32]:
    """Vectors of all rows' sequences under the untrained encoder, the same for every fold.

    Without a model they must have been computed before.
    """
    path = folder / VECTORS
    if model is not None and not path.is_file():
        vectors = encode(card, model, data, "frozen encoder, once for all folds")
        with replacing(path) as temporary, temporary.open("wb") as stream:
            np.save(stream, vectors)
    return np.asarray(np.load(path))
