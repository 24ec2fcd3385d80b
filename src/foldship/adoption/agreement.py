"""Whether adopted folds predict what their out-of-fold file says: then rows are read as they were there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import torch
from numpy.typing import NDArray

from foldship.folds import FOLD
from foldship.modelling import adopted, predict, reading
from foldship.modelling.adopted import GRAPH, ONNX, AdoptedCard
from foldship_kernel import batching
from foldship_kernel.encoded import EncodedRows

ROWS = 8  # of each fold
CLOSE = 0.02  # share of the range by which rounding and other hardware may move a prediction


def note(folder: Path, card: AdoptedCard, encoded: EncodedRows, oof: pd.DataFrame) -> str:
    """How far predictions for some rows of each fold are from the file's, in words.

    Args:
        folder: the adopted model's.
        card: it; its folds are those of `oof`.
        encoded: all training rows, in the order of `oof`.
        oof: out-of-fold predictions.
    """
    largest = 0.0
    for fold in range(card.count):
        own = np.flatnonzero(oof[FOLD].to_numpy() == fold)
        chosen = own[reading.of_all_lengths(encoded.take(own), ROWS)]
        found = card.task.unit_outputs(_logits(folder, card, fold, encoded.take(chosen)))
        said = card.task.to_unit(oof[list(card.targets)].to_numpy(np.float64)[chosen])
        largest = max(largest, float(np.abs(found - said).max()))
    if largest <= CLOSE:
        return f"out-of-fold predictions: the folds repeat them to {largest:.2g} of the range"
    return (
        f"WARNING: the folds do not repeat their out-of-fold predictions, they are off by up to "
        f"{largest:.2g} of the range: look at texts, max_tokens, output and the order of the folds"
    )


def _logits(folder: Path, card: AdoptedCard, fold: int, rows: EncodedRows) -> NDArray[np.float32]:
    features = np.zeros((len(rows), 0), dtype=np.float32)
    if card.kind != ONNX:
        model = adopted.load_fold(folder, fold, attention="sdpa")
        return predict.logits(model, predict.encode(model, rows, card.encoding), rows, features)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    path = str(folder / f"fold{fold}" / GRAPH)
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    pooled = np.zeros((len(rows.lengths), len(card.mixture[0])), dtype=np.float32)
    for batch in batching.plan(rows.lengths, predict.TOKEN_BUDGET):
        pooled[batch] = session.run(None, batching.pad(rows, batch, card.encoding))[0]
    with torch.inference_mode():
        outputs = card.head()(torch.from_numpy(pooled[rows.index[:, 0]]), torch.from_numpy(features))
    return np.asarray(outputs.numpy())
