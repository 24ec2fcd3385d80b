"""What trained folds predict, as torch computes it: what a kernel's answers are held against."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from foldship.modelling import predict, reading, store
from foldship.modelling.model import RowModel


def outputs(model: RowModel, folder: Path, rows: pd.DataFrame) -> np.ndarray:
    """Predictions of a fold of the model in `folder`: (rows, targets)."""
    card = store.load_card(folder)
    encoded, features = reading.read_rows(
        rows, card.task, folder / store.TOKENIZER, card.encoding, card.features
    )
    vectors = predict.encode(model, encoded, card.encoding)
    return card.task.outputs(predict.logits(model, vectors, encoded, features))


def mean_of_folds(folder: Path, rows: pd.DataFrame) -> np.ndarray:
    """The mean over all folds of the model in `folder`: (rows, targets)."""
    folds = [store.load_fold(folder, fold, attention="sdpa") for fold in store.folds(folder)]
    return np.mean([outputs(model, folder, rows) for model in folds], axis=0)
