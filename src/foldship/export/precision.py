"""Half precision where it is safe: measured maxima, fp16 graphs, and a form of them for CPUs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.tools.symbolic_shape_infer import SymbolicShapeInference
from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

from foldship.export.fusion import tidy

# fp16 ends at 65504. Half of that, because a batch never seen may go a little further.
SAFE = 3e4
# Masks are filled with the lowest fp32 number; the conversion takes it to fp16's own lowest, as it should be.
FILL = 1e37
# Rounding adds up over the steps of a recurrence, and CPUs have no half-precision operator for it.
RECURRENT = ["LSTM"]

Inputs = Mapping[str, NDArray[np.int64]]


def maxima(model: onnx.ModelProto, batches: Iterable[Inputs]) -> dict[str, float]:
    """Largest absolute value of every fp32 intermediate over `batches`, by tensor name.

    A CPU run in half precision shows no overflow, because ONNX Runtime computes fp16 in fp32 there. What
    happens inside a fused operator stays unseen.
    """
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    names = _float_outputs(probe)
    probe.graph.initializer.extend(
        [
            numpy_helper.from_array(np.array(FILL, np.float32), "probe.fill"),
            numpy_helper.from_array(np.array(0, np.float32), "probe.zero"),
        ]
    )
    del probe.graph.output[:]
    for name in names:
        size, real, kept, largest = (f"probe.{kind}.{name}" for kind in ("abs", "real", "kept", "max"))
        probe.graph.node.extend(
            [
                helper.make_node("Abs", [name], [size]),
                helper.make_node("Less", [size, "probe.fill"], [real]),
                helper.make_node("Where", [real, size, "probe.zero"], [kept]),
                helper.make_node("ReduceMax", [kept], [largest], keepdims=0),
            ]
        )
        probe.graph.output.append(helper.make_tensor_value_info(largest, TensorProto.FLOAT, []))
    session = _session(probe)
    result = dict.fromkeys(names, 0.0)
    for inputs in batches:
        for name, value in zip(names, session.run(None, inputs), strict=True):
            result[name] = max(result[name], float(value))
    return result


def overflowing(model: onnx.ModelProto, largest: Mapping[str, float], limit: float = SAFE) -> set[str]:
    """Names of the nodes that read or write a value above `limit`: they must stay in fp32."""
    sizes = dict(largest)
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            value = np.abs(numpy_helper.to_array(tensor))
            sizes[tensor.name] = float(value[value < FILL].max(initial=0.0))
    large = {name for name, size in sizes.items() if size > limit}
    return {node.name for node in model.graph.node if large.intersection([*node.input, *node.output])}


def halve(model: onnx.ModelProto, keep: Iterable[str] = ()) -> onnx.ModelProto:
    """Return the graph with weights and arithmetic in fp16; its inputs and outputs stay as they are.

    Recurrent layers stay in fp32.

    Args:
        model: fp32 graph; left as it is.
        keep: names of nodes that stay in fp32.
    """
    half = onnx.ModelProto()
    half.CopyFrom(model)
    _infer_types(half)
    half = convert_float_to_float16(
        half,
        keep_io_types=True,
        disable_shape_infer=True,
        op_block_list=[*DEFAULT_OP_BLOCK_LIST, *RECURRENT],
        node_block_list=sorted(keep),
    )
    _drop_repeated_nodes(half)
    cleaned = OnnxModel(half)
    cleaned.remove_cascaded_cast_nodes()
    cleaned.remove_useless_cast_nodes()
    cleaned.topological_sort()
    return tidy(cleaned.model)


def widen(model: onnx.ModelProto, half: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph with `half`'s weights and fp32 arithmetic, for CPUs.

    A CPU has few fp16 operators: the fp16 graph changes back and forth between them at every layer norm. Here
    only the weights are fp16, and a session turns them into fp32 once, when it loads them.

    Args:
        model: fp32 graph that `half` was made from; left as it is.
        half: the fp16 graph.
    """
    wide = onnx.ModelProto()
    wide.CopyFrom(model)
    halved = {tensor.name: tensor for tensor in half.graph.initializer}
    casts = []
    for tensor in wide.graph.initializer:
        stored = halved.get(tensor.name)
        if tensor.data_type == TensorProto.FLOAT and stored and stored.data_type == TensorProto.FLOAT16:
            name = tensor.name
            tensor.CopyFrom(stored)
            tensor.name = f"{name}.fp16"
            casts.append(
                helper.make_node("Cast", [tensor.name], [name], name=f"{name}.fp32", to=TensorProto.FLOAT)
            )
    nodes = [*casts, *wide.graph.node]
    del wide.graph.node[:]
    wide.graph.node.extend(nodes)
    return wide


def _float_outputs(model: onnx.ModelProto) -> list[str]:
    """All fp32 values that nodes write, told by a session that is asked to return every one of them."""
    every = onnx.ModelProto()
    every.CopyFrom(model)
    known = {output.name for output in every.graph.output}
    for node in every.graph.node:
        for name in node.output:
            if name and name not in known:
                known.add(name)
                every.graph.output.append(onnx.ValueInfoProto(name=name))
    return [output.name for output in _session(every).get_outputs() if output.type == "tensor(float)"]


def _session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _infer_types(model: onnx.ModelProto) -> None:
    """Note the element type of every value, without its shape: symbolic shapes may be merged wrongly."""
    inferred = SymbolicShapeInference.infer_shapes(model, auto_merge=True, guess_output_rank=False)
    model.graph.ClearField("value_info")
    for value in inferred.graph.value_info:
        if value.name and value.type.tensor_type.elem_type:
            kept = model.graph.value_info.add()
            kept.CopyFrom(value)
            kept.type.tensor_type.ClearField("shape")


def _drop_repeated_nodes(model: onnx.ModelProto) -> None:
    """The conversion writes the same cast once for every fp32 node that reads a value; one is enough."""
    seen: set[str] = set()
    nodes = []
    for node in model.graph.node:
        key = node.output[0]
        if key not in seen:
            seen.add(key)
            nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
