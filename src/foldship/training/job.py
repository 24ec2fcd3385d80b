"""What one fold is trained on, and how its rows are predicted on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foldship.config.stages import Ridge
from foldship.modelling import predict
from foldship.modelling.model import RowModel
from foldship.modelling.store import ModelCard
from foldship.training import precision
from foldship.training.data import RowData
from foldship.training.frozen_states import FrozenStates

Scorer = Callable[[NDArray[np.float32]], float]


@dataclass(frozen=True)
class FoldJob:
    """What one fold is trained on.

    Attributes:
        card: the model.
        fold: its number.
        train: rows to learn from, pseudo-labelled ones last.
        held_out: rows to predict.
        score: logits of the rows held out to their score.
        folder: where the fold's files go.
        seed: of head, dropout and batch order.
        shortened: the rows of `train` with no sequence longer than so many tokens.
        frozen_vectors: pooled vectors of `train`'s sequences under the untrained encoder, computed when first
            wanted.
        held_out_vectors: those of `held_out`'s sequences, in fp32; None where they are not kept.
        frozen_states: states of `train`'s sequences after so many layers, None where they are not kept.
        pseudo: number of pseudo-labelled rows.
    """

    card: ModelCard
    fold: int
    train: RowData
    held_out: RowData
    score: Scorer
    folder: Path
    seed: int
    shortened: Callable[[int], RowData]
    frozen_vectors: Callable[[RowModel], NDArray[np.float32]]
    held_out_vectors: Callable[[], NDArray[np.float32] | None] = lambda: None
    frozen_states: Callable[[int], FrozenStates | None] = lambda _: None
    pseudo: int = 0

    def rows(self, stage: int) -> int:
        """How many of `train`, from the first on, the stage of this number learns from."""
        settings = self.card.config.pseudo_labels
        left_out = self.pseudo if settings and settings.stages == "first" and stage > 0 else 0
        return len(self.train.features) - left_out


def encode(card: ModelCard, model: RowModel, data: RowData, describe: str) -> NDArray[np.float32]:
    """Pooled vectors of all sequences, in the number format that the model trains in; for `ridge` in fp32.

    Args:
        card, model: the model and its present weights.
        data: rows that read the sequences.
        describe: names the progress bar; empty shows none.
    """
    exact = isinstance(card.config.stages[0], Ridge)
    chosen = "fp32" if exact else precision.choose(card.config)
    return predict.encode(model, data.encoded, card.encoding, precision=chosen, describe=describe)


def logits(job: FoldJob, model: RowModel, vectors: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """Logits of the rows held out, (rows, C) float32; vectors: of their sequences, None encodes them."""
    if vectors is None:
        vectors = encode(job.card, model, job.held_out, "")
    return predict.logits(model, vectors, job.held_out.encoded, job.held_out.features)
