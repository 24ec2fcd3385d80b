"""Which nodes half precision would spoil, told by a graph alone: no list of names, no family of models.

Numbers of fp16 have 11 bits, end at 65504, and below 6e-5 lose what bits they have. So two kinds of nodes
stay in fp32, whatever values were seen:

- *position arithmetic*: what is computed of places, not of texts, and then read by a cast to an integer, a
  comparison, a rounding, a sine or a cosine. A logarithm that is off by 0.05% puts a pair of tokens into
  another bucket; the angle of token 2,000 in fp16 is off by a whole radian.
- *sums and roots*: sums over many numbers, squares, roots, and the smallest constants that keep a division
  from zero. A variance overflows where values reach 256, and 1e-12 is zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import onnx
from onnx import TensorProto

from foldship.modelling import graph_files

FLOATS = ("float", "float16", "double")
# What reads a number's exact value, or more digits of it than fp16 has.
STEPS = frozenset(
    {"Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal", "Floor", "Ceil", "Round", "Mod", "Sign"}
    | {"ArgMax", "ArgMin", "NonZero", "OneHot", "IsInf", "IsNaN", "Range", "Sin", "Cos", "Tan", "CumSum"}
)
ROOTS = frozenset(
    {"ReduceSum", "ReduceMean", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceProd"}
    | {"ReduceLogSumExp", "Pow", "Sqrt", "Reciprocal", "LpNormalization", "CumSum"}
)
# What a sum, a root or their safeguard goes through before it is an ordinary number again.
ELEMENTWISE = frozenset({"Add", "Sub", "Mul", "Div", "Max", "Min", "Clip", "Neg", "Abs"})
# Where the content of texts enters: their tokens look their vectors up.
LOOK_UPS = frozenset({"Gather", "GatherElements", "GatherND", "EmbedLayerNormalization"})
SMALLEST = 2.0**-14  # fp16 has fewer bits below


def nodes(model: onnx.ModelProto, types: Mapping[str, str], folder: Path | None = None) -> set[str]:
    """Names of the nodes that must stay in fp32.

    Args:
        model: fp32 graph, all its nodes named.
        types: of its values, see `graph_files.types`.
        folder: where its weights lie.
    """
    return position_arithmetic(model, types) | sums_and_roots(model, types, folder)


def position_arithmetic(model: onnx.ModelProto, types: Mapping[str, str]) -> set[str]:
    """Names of the nodes between places of tokens and what takes their exact value."""
    writer = {name: node for node in model.graph.node for name in node.output}
    about_texts = content(model)
    left = [node for node in model.graph.node if _is_step(node, types)]
    kept = {node.name for node in left}
    while left:
        for name in left.pop().input:
            node = writer.get(name)
            if node is None or name in about_texts or types.get(name) not in FLOATS or node.name in kept:
                continue
            kept.add(node.name)
            left.append(node)
    return kept


def sums_and_roots(model: onnx.ModelProto, types: Mapping[str, str], folder: Path | None = None) -> set[str]:
    """Names of the nodes that sum, square or take roots, and of those that take this of texts further."""
    about_texts = content(model)
    tiny = {
        tensor.name
        for tensor in model.graph.initializer
        if tensor.data_type == TensorProto.FLOAT
        and graph_files.nbytes(tensor) == 4
        and 0 < abs(float(graph_files.values(tensor, folder).item())) < SMALLEST
    }
    kept: set[str] = set()
    delicate: set[str] = set()
    for node in model.graph.node:  # in topological order
        if not any(types.get(name) in FLOATS for name in node.output):
            continue
        if node.op_type in ROOTS or tiny.intersection(node.input):
            kept.add(node.name)
            delicate.update(about_texts.intersection(node.output))
        elif node.op_type in ELEMENTWISE and delicate.intersection(node.input):
            kept.add(node.name)
    return kept


def content(model: onnx.ModelProto) -> set[str]:
    """Names of the values that depend on what texts say, not on their lengths alone."""
    tables = {
        tensor.name
        for tensor in model.graph.initializer
        if len(tensor.dims) >= 2 and tensor.data_type in (TensorProto.FLOAT, TensorProto.FLOAT16)
    }
    weights = {tensor.name for tensor in model.graph.initializer}
    found = {
        value.name
        for value in model.graph.input
        if value.type.tensor_type.elem_type == TensorProto.FLOAT and value.name not in weights
    }
    for node in model.graph.node:
        looked_up = node.op_type in LOOK_UPS and tables.intersection(node.input)
        if looked_up or found.intersection(_read(node)):
            found.update(node.output)
    return found


def _read(node: onnx.NodeProto) -> Iterable[str]:
    """What a node reads, its branches included."""
    if node.op_type in ("Shape", "Size"):  # of a value, they read its shape alone
        return ()
    inner = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    return [*node.input, *(name for graph in inner for part in graph.node for name in _read(part))]


def _is_step(node: onnx.NodeProto, types: Mapping[str, str]) -> bool:
    """Whether a node takes the exact value of a number."""
    if node.op_type == "Cast":
        return types.get(node.output[0]) not in FLOATS and types.get(node.input[0]) in FLOATS
    return node.op_type in STEPS
