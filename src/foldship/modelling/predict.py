"""Predictions in torch, batched as in the kernel: every distinct sequence once, sorted by length."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from numpy.typing import NDArray

from foldship.modelling.model import RowModel
from foldship.terminals import bar as progress_bar
from foldship_kernel import batching
from foldship_kernel.encode import EncodingSpec
from foldship_kernel.encoded import EncodedRows

TOKEN_BUDGET = 8192
HEAD_ROWS = 4096


def autocast(precision: str, device: torch.device) -> AbstractContextManager[None]:
    """The autocast context of `precision` (`fp32`, `bf16`, `fp16`) on `device`."""
    if precision == "fp32":
        return nullcontext()
    dtype = torch.bfloat16 if precision == "bf16" else torch.float16
    return torch.autocast(device.type, dtype=dtype)


def encode(
    model: RowModel,
    rows: EncodedRows,
    spec: EncodingSpec,
    *,
    precision: str = "fp32",
    describe: str = "",
) -> NDArray[np.float32]:
    """Pooled vectors of all distinct sequences: (sequences, width) float32.

    Leaves the model in evaluation mode. `describe` names the progress bar; empty shows none.
    """
    model.eval()
    device = next(model.parameters()).device
    vectors = np.zeros((len(rows.boundaries), model.encoder.width), dtype=np.float32)
    batches = list(batching.plan(rows.lengths, TOKEN_BUDGET))
    with torch.inference_mode(), autocast(precision, device):
        shown = progress_bar(batches, desc=describe, unit="batch") if describe else batches
        for batch in shown:
            inputs = batching.pad(rows, batch, spec)
            tensors = {name: torch.from_numpy(value).to(device) for name, value in inputs.items()}
            vectors[batch] = model.encoder(**tensors).float().cpu().numpy()
    return vectors


def logits(
    model: RowModel, vectors: NDArray[np.float32], rows: EncodedRows, features: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Logits of all rows from pooled vectors, those of a row's readings averaged: (rows, targets) float32."""
    model.eval()
    device = next(model.parameters()).device
    features = rows.spread(features)
    parts = []
    with torch.inference_mode():
        for start in range(0, len(rows.index), HEAD_ROWS):
            part = slice(start, start + HEAD_ROWS)
            pooled = vectors[rows.index[part]].reshape(len(rows.index[part]), -1)
            output = model.head(
                torch.from_numpy(pooled).to(device), torch.from_numpy(features[part]).to(device)
            )
            parts.append(output.float().cpu().numpy())
    return rows.mean(np.concatenate(parts))
