"""The encoder with 8-bit weights, for CPUs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx
from onnx import TensorProto, helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from foldship.export import precision
from foldship.modelling import graph_files

DOMAIN = "com.microsoft"
# Embeddings are looked up, not multiplied with: in 8 bits they would lose accuracy and win no time.
MULTIPLICATIONS = ["MatMul", "Attention"]


def quantise(source: Path, half: onnx.ModelProto, path: Path) -> None:
    """Write the graph with the weights of its multiplications in int8, one scale a column.

    Activations are quantised as they come, batch by batch. Weights use 7 of the 8 bits: processors without
    VNNI would otherwise overflow, where the one that checked the graph did not. Source:
    https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html

    Args:
        source: fused fp32 graph.
        half: the fp16 graph made of it; what stays a float takes its fp16 weights, which are then shared.
        path: where to, in the folder of both.
    """
    model = graph_files.load(source)
    if all(imported.domain != DOMAIN for imported in model.opset_import):
        model.opset_import.append(helper.make_opsetid(DOMAIN, 1))  # shape inference asks for it
    given = path.with_suffix(".given.onnx")
    graph_files.save(model, given)
    with _quiet():
        quantize_dynamic(
            given,
            path,
            use_external_data_format=True,
            op_types_to_quantize=MULTIPLICATIONS,
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
            # Fused operators have no inferred output types.
            extra_options={"DefaultTensorType": TensorProto.FLOAT},
        )
    given.unlink()
    made = graph_files.load(path)
    # The quantiser takes out whatever is large: integers, too, and constants of nodes.
    constants = [each.t for node in made.graph.node for each in node.attribute if each.HasField("t")]
    for tensor in (*made.graph.initializer, *constants):
        if tensor.data_type not in graph_files.WEIGHT_TYPES:
            graph_files.take_in(tensor, path.parent)
    graph_files.save(precision.widen(made, half), path)


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
