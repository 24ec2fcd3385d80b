"""What a GPU computes in half precision, computed here: every result of an fp16 operator is rounded to fp16.

ONNX Runtime's CPU runs most fp16 operators in fp32 and drops the casts between them, so that it shows
neither the rounding nor the overflow. Here the casts are written into the graph, where they stay. Inside of
an operator sums are taken in fp32, as GPUs take them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from foldship.modelling import graph_files

HALF, FULL = "float16", "float"
# They carry values, or say themselves which type they write.
_AS_THEY_ARE = ("Cast", "Constant", "ConstantOfShape", "If", "Loop", "Scan", "RandomNormalLike", "EyeLike")
FILL = 1e30  # what a mask is filled with in fp32, and with another number in fp16
_LAYER = re.compile(r"(?:layers?|blocks?|groups?|h)[./_](\d+)", re.IGNORECASE)


def rounding(half: onnx.ModelProto, folder: Path | None = None) -> onnx.ModelProto:
    """Return the fp16 graph with fp32 arithmetic, every result rounded as fp16 would be.

    Args:
        half: made by `precision.halve`; left as it is.
        folder: where its weights lie, if not inside.
    """
    types = graph_files.types(half, folder)
    types |= {
        tensor.name: HALF for tensor in half.graph.initializer if tensor.data_type == TensorProto.FLOAT16
    }
    result = onnx.ModelProto()
    result.CopyFrom(half)
    del result.graph.node[:]
    widened: set[str] = set()
    for given in half.graph.node:
        node = result.graph.node.add()
        node.CopyFrom(given)
        touched = HALF in {types.get(name) for name in (*given.input, *given.output)}
        if node.op_type in _AS_THEY_ARE or not touched:
            continue
        del result.graph.node[-1]
        node = onnx.NodeProto()
        node.CopyFrom(given)
        for place, name in enumerate(given.input):
            if types.get(name) == HALF:
                node.input[place] = _wide(name)
                if name not in widened:
                    widened.add(name)
                    result.graph.node.append(_cast(name, _wide(name), TensorProto.FLOAT))
        written = [name for name in given.output if types.get(name) == HALF]
        for place, name in enumerate(given.output):
            if name in written:
                node.output[place] = f"{name}.unrounded"
        result.graph.node.append(node)
        for name in written:
            result.graph.node.append(_cast(f"{name}.unrounded", name, TensorProto.FLOAT16))
    return result


@dataclass(frozen=True)
class Fault:
    """Where two graphs of the same network part.

    Attributes:
        node: name of the node.
        kind: its operator.
        layer: number of its layer; None where its name does not tell.
        value: name of what it writes.
        difference: of that, as a share of its standard deviation in fp32.
        largest: absolute value of it in fp32.
    """

    node: str
    kind: str
    layer: int | None
    value: str
    difference: float
    largest: float

    def __str__(self) -> str:
        where = "" if self.layer is None else f" of layer {self.layer}"
        off = (
            "not finite"
            if not np.isfinite(self.difference)
            else f"off by {self.difference:.1%} of its spread"
        )
        return f"{self.kind} {self.node!r}{where}: {off}, largest value {self.largest:.3g}"


def blame(
    full: onnx.ModelProto,
    rounded: onnx.ModelProto,
    inputs: Mapping[str, NDArray[Any]],
    folder: Path | None = None,
) -> Fault | None:
    """Where half precision goes wrong: the node that adds most to the difference, or first is not finite.

    Args:
        full: fp32 graph.
        rounded: what `rounding` made of its fp16 form.
        inputs: of both; best one short batch, since all intermediates are kept.
        folder: where the weights of both lie, if not inside.
    """
    graphs = {"full": full, "rounded": rounded}
    known = {key: graph_files.types(graph, folder) for key, graph in graphs.items()}
    common = [
        name
        for node in full.graph.node
        for name in node.output
        if known["full"].get(name) == FULL and known["rounded"].get(name) in (FULL, HALF)
    ]
    found = {key: _run(graph, common, inputs, folder) for key, graph in graphs.items()}
    differences: dict[str, float] = {}
    for name, one, other in zip(common, found["full"], found["rounded"], strict=True):
        one, other = one.astype(np.float64), other.astype(np.float64)
        fills = np.abs(one) > FILL
        if one.shape != other.shape or np.isnan(other[~fills]).any() or np.isinf(other[~fills]).any():
            differences[name] = np.inf
        else:
            spread = one[~fills].std() if (~fills).any() else 0.0
            off = np.abs(one - other)[~fills]
            differences[name] = float(off.max(initial=0.0) / spread) if spread > 0 else 0.0
    worst, most = None, 0.0
    for node in full.graph.node:
        own = max((differences.get(name, 0.0) for name in node.output), default=0.0)
        fed = max((differences.get(name, 0.0) for name in node.input), default=0.0)
        added = np.inf if np.isinf(own) and not np.isinf(fed) else own - fed if np.isfinite(own) else 0.0
        if added > most:
            worst, most = node, added
            if np.isinf(most):
                break
    if worst is None:
        return None
    value = max(worst.output, key=lambda name: differences.get(name, 0.0))
    sizes = np.abs(found["full"][common.index(value)])
    return Fault(
        worst.name,
        worst.op_type,
        _layer(worst, full),
        value,
        differences[value],
        float(sizes[sizes < FILL].max(initial=0.0)),
    )


def _layer(node: onnx.NodeProto, model: onnx.ModelProto) -> int | None:
    """The layer that a node's names tell of; else that of the last node before it that does."""
    number = None
    for other in model.graph.node:
        for name in (other.name, *other.output, *other.input):
            match = _LAYER.search(name)
            if match:
                number = int(match[1])
        if other.name == node.name:
            return number
    return None


def _run(
    model: onnx.ModelProto, names: list[str], inputs: Mapping[str, NDArray[Any]], folder: Path | None
) -> list[NDArray[Any]]:
    every = onnx.ModelProto()
    every.CopyFrom(model)
    del every.graph.output[:]
    every.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    found: list[NDArray[Any]] = graph_files.session(every, folder).run(None, dict(inputs))
    return found


def _wide(name: str) -> str:
    return f"{name}.wide"


def _cast(source: str, target: str, kind: int) -> onnx.NodeProto:
    return helper.make_node("Cast", [source], [target], name=f"{target}.cast", to=kind)
