"""Half precision where it is safe: measured maxima, fp16 graphs, and a form of them for CPUs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import uses_external_data
from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

from foldship.export import fragile
from foldship.export.fusion import tidy
from foldship.modelling import graph_files

# fp16 ends at 65504. Half of that, because a batch never seen may go a little further.
SAFE = 3e4
# Masks are filled with the lowest fp32 number. Two of them summed, or one and a score, must stay finite.
FILL, HALF_FILL = 1e37, SAFE
# Rounding adds up over the steps of a recurrence, and CPUs have no half-precision operator for it.
RECURRENT = ["LSTM"]

Inputs = Mapping[str, NDArray[np.int64]]


def maxima(model: onnx.ModelProto, batches: Iterable[Inputs], folder: Path | None = None) -> dict[str, float]:
    """Largest absolute value of every fp32 intermediate over `batches`, by tensor name.

    A CPU run in half precision shows no overflow, because ONNX Runtime computes fp16 in fp32 there. What
    happens inside a fused operator stays unseen.

    Args:
        model: fp32 graph.
        batches: its inputs.
        folder: where its weights lie, if not inside.
    """
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    names = [name for name, kind in graph_files.types(model, folder).items() if kind == "float"]
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
    session = graph_files.session(probe, folder)
    result = dict.fromkeys(names, 0.0)
    for inputs in batches:
        for name, value in zip(names, session.run(None, inputs), strict=True):
            result[name] = max(result[name], float(value))
    return result


def overflowing(
    model: onnx.ModelProto, largest: Mapping[str, float], limit: float = SAFE, folder: Path | None = None
) -> set[str]:
    """Names of the nodes that read or write a value above `limit`: they must stay in fp32."""
    sizes = dict(largest)
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            sizes[tensor.name] = graph_files.largest_value(tensor, folder, FILL)
    large = {name for name, size in sizes.items() if size > limit}
    return {node.name for node in model.graph.node if large.intersection([*node.input, *node.output])}


def halve(model: onnx.ModelProto, keep: Iterable[str] = (), folder: Path | None = None) -> onnx.ModelProto:
    """Return the graph with weights and arithmetic in fp16; its inputs and outputs stay as they are.

    Recurrent layers and what `fragile` names stay in fp32.

    Args:
        model: fp32 graph; left as it is.
        keep: names of further nodes that stay in fp32.
        folder: where its weights lie, if not inside. They are rounded when the graph is stored.
    """
    half = onnx.ModelProto()
    half.CopyFrom(model)
    types = graph_files.types(half, folder)
    # The conversion asks for the type of every value, and of nothing else that inference could tell.
    half.graph.ClearField("value_info")
    for name, kind in types.items():
        if kind == "float":
            half.graph.value_info.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    kept = fragile.nodes(half, types, folder) | set(keep)
    _give_own_constants(half, kept)
    _lower_fills(half)
    away = _hide_weights(half)
    half = convert_float_to_float16(
        half,
        keep_io_types=True,
        disable_shape_infer=True,
        op_block_list=[*DEFAULT_OP_BLOCK_LIST, *RECURRENT],
        node_block_list=sorted(kept),
    )
    for tensor in half.graph.initializer:
        if tensor.name in away:
            away[tensor.name].data_type = tensor.data_type
            tensor.CopyFrom(away[tensor.name])
    _drop_repeated_nodes(half)
    _drop_detours(half)
    cleaned = OnnxModel(half)
    cleaned.prune_graph()
    cleaned.topological_sort()
    return tidy(cleaned.model)


def widen(model: onnx.ModelProto, half: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph with `half`'s weights and fp32 arithmetic, for CPUs.

    A CPU has few fp16 operators: the fp16 graph changes back and forth between them at every layer norm. Here
    only the weights are fp16, and a session turns them into fp32 once, when it loads them. Constants that
    `half` needs in fp32 in some place are in fp32 everywhere.

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
        if _own(tensor.name) in halved or tensor.data_type != TensorProto.FLOAT:
            continue
        if stored and stored.data_type == TensorProto.FLOAT16:
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


def _own(name: str) -> str:
    return f"{name}.exact"


def _give_own_constants(model: onnx.ModelProto, kept: set[str]) -> None:
    """Constants that both kinds of nodes read would be rounded for all: nodes in fp32 get their own."""
    constants = {
        tensor.name: tensor
        for tensor in model.graph.initializer
        if tensor.data_type == TensorProto.FLOAT and not graph_files.is_large(tensor)
    }
    blocked = {*DEFAULT_OP_BLOCK_LIST, *RECURRENT}
    fp32 = {node.name for node in model.graph.node if node.name in kept or node.op_type in blocked}
    shared = {name for node in model.graph.node if node.name not in fp32 for name in node.input}
    made: set[str] = set()
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            if node.name in fp32 and name in constants and name in shared:
                node.input[place] = _own(name)
                made.add(name)
    for name in sorted(made):
        own = model.graph.initializer.add()
        own.CopyFrom(constants[name])
        own.name = _own(name)


def _lower_fills(model: onnx.ModelProto) -> None:
    """Bring what masks are filled with into the range in which fp16 can still add to it."""
    tensors = [
        tensor
        for tensor in model.graph.initializer
        if not graph_files.is_large(tensor) and not tensor.name.endswith(_own(""))
    ]
    tensors += [
        attribute.t for node in model.graph.node for attribute in node.attribute if attribute.HasField("t")
    ]
    for tensor in tensors:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        value = numpy_helper.to_array(tensor)
        fills = np.isfinite(value) & (np.abs(value) > FILL)
        if fills.any():
            lowered = np.where(fills, np.sign(value) * np.float32(HALF_FILL), value).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(lowered, tensor.name))


def _hide_weights(model: onnx.ModelProto) -> dict[str, onnx.TensorProto]:
    """Put empty tensors in the place of weights outside of the graph: the conversion would read them."""
    hidden = {}
    for tensor in model.graph.initializer:
        if uses_external_data(tensor):
            hidden[tensor.name] = onnx.TensorProto()
            hidden[tensor.name].CopyFrom(tensor)
            tensor.CopyFrom(onnx.TensorProto(name=tensor.name, data_type=tensor.data_type, dims=[0]))
    return hidden


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


def _drop_detours(model: onnx.ModelProto) -> None:
    """Between two fp32 nodes the conversion goes by way of fp16: let one read what the other wrote."""
    casts = {node.output[0]: node for node in model.graph.node if node.op_type == "Cast"}

    def to(node: onnx.NodeProto) -> int:
        return next(int(attribute.i) for attribute in node.attribute if attribute.name == "to")

    # A cast to fp16 that the conversion made reads an fp32 value; one of the graph's own may read integers.
    halved = {
        name: node.input[0]
        for name, node in casts.items()
        if to(node) == TensorProto.FLOAT16 and node.input[0] == f"{name}_cast_to_fp16"
    }
    direct = {
        name: halved[node.input[0]]
        for name, node in casts.items()
        if to(node) == TensorProto.FLOAT and node.input[0] in halved
    }
    outputs = {value.name for value in model.graph.output}
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            if name in direct:
                node.input[place] = direct[name]
    for name in outputs.intersection(direct):
        casts[name].input[0] = direct[name]
        casts[name].op_type = "Identity"
        del casts[name].attribute[:]
