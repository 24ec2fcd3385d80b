"""The encoder with 8-bit weights, for CPUs."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx
from onnx import TensorProto, helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from foldship.export import precision

DOMAIN = "com.microsoft"
# Embeddings are looked up, not multiplied with: in 8 bits they would lose accuracy and win no time.
MULTIPLICATIONS = ["MatMul", "Attention"]


def quantise(model: onnx.ModelProto, half: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph with the weights of its multiplications in int8, one scale a column.

    Activations are quantised as they come, batch by batch. Weights use 7 of the 8 bits: processors without
    VNNI would otherwise overflow, where the one that checked the graph did not. Source:
    https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html

    Args:
        model: fused fp32 graph; left as it is.
        half: the fp16 graph made of it; what stays a float takes its fp16 weights, which are then shared.
    """
    source = onnx.ModelProto()
    source.CopyFrom(model)
    if all(imported.domain != DOMAIN for imported in source.opset_import):
        source.opset_import.append(helper.make_opsetid(DOMAIN, 1))  # shape inference asks for it
    with tempfile.TemporaryDirectory() as folder, _quiet():
        path = Path(folder) / "int8.onnx"
        quantize_dynamic(
            source,
            path,
            op_types_to_quantize=MULTIPLICATIONS,
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
            # Fused operators have no inferred output types.
            extra_options={"DefaultTensorType": TensorProto.FLOAT},
        )
        return precision.widen(onnx.load(path), half)


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back the advice to prepare the graph: it is optimised already."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
