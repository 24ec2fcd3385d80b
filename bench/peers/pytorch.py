"""PyTorch and transformers: sorted batches, padded no further than their longest sequence."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from bench.peers.batches import Inputs, in_sorted_batches
from foldship.modelling import backbone
from foldship.modelling.model import Encoder
from foldship.modelling.predict import autocast
from foldship_kernel.encoded import EncodedRows


def encoder(source: str, attention: str) -> Encoder:
    """The backbone under mean pooling."""
    return Encoder(backbone.load_encoder(source, attention=attention), ("mean",)).eval()


def build(
    source: str, attention: str, precision: str = "fp32"
) -> Callable[[EncodedRows], NDArray[np.float32]]:
    """The model of transformers as it is; `precision` below fp32 is autocast."""
    model = encoder(source, attention)

    def encode(inputs: Inputs) -> NDArray[np.float32]:
        return np.asarray(model(**{name: torch.from_numpy(value) for name, value in inputs.items()}).numpy())

    def run(rows: EncodedRows) -> NDArray[np.float32]:
        with torch.inference_mode(), autocast(precision, torch.device("cpu")):
            return in_sorted_batches(rows, encode)

    return run
