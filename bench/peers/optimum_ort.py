"""Optimum's ONNX Runtime model, with its defaults and sorted batches."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from optimum.onnxruntime import ORTModelForFeatureExtraction
from torch.jit._trace import TracerWarning

from bench.peers.batches import Inputs, in_sorted_batches, mean_pool
from foldship_kernel.encoded import EncodedRows


def export(source: str, folder: Path) -> Path:
    """Write Optimum's graph of the backbone, tokens to hidden states, and return its path."""
    if not (folder / "model.onnx").is_file():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TracerWarning)
            ORTModelForFeatureExtraction.from_pretrained(source, export=True).save_pretrained(folder)
    return folder / "model.onnx"


def build(source: str, folder: Path, threads: int) -> Callable[[EncodedRows], NDArray[np.float32]]:
    """`ORTModelForFeatureExtraction` on the CPU; `folder` is where its graph goes."""
    export(source, folder)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    model = ORTModelForFeatureExtraction.from_pretrained(folder, session_options=options)

    def encode(inputs: Inputs) -> NDArray[np.float32]:
        tensors = {name: torch.from_numpy(value) for name, value in inputs.items()}
        return mean_pool(model(**tensors).last_hidden_state.numpy(), inputs["attention_mask"])

    return lambda rows: in_sorted_batches(rows, encode)
