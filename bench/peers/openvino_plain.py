"""OpenVINO as its manual begins: `compile_model` of an ONNX file, and sorted batches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.peers.batches import Inputs, in_sorted_batches, mean_pool
from foldship_kernel.encoded import EncodedRows


def build(graph: Path, precision: str) -> Callable[[EncodedRows], NDArray[np.float32]]:
    """The graph (tokens to hidden states) on the CPU.

    Args:
        graph: the .onnx file.
        precision: `f32` or `bf16`; the default depends on the processor, so it is set.
    """
    import openvino

    model = openvino.Core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": precision})
    names = [node.any_name for node in model.inputs]

    def encode(inputs: Inputs) -> NDArray[np.float32]:
        hidden = model({name: inputs[name] for name in names})[0]
        return mean_pool(hidden, inputs["attention_mask"])

    return lambda rows: in_sorted_batches(rows, encode)
