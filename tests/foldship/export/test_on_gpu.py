from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from foldship.export import fusion, on_gpu, precision
from foldship.modelling import graph_files


def chain(*kinds: str) -> onnx.ModelProto:
    """Some operators, one after another; `x * x` for Mul."""
    nodes, last = [], "x"
    for place, kind in enumerate(kinds):
        inputs = [last, last] if kind == "Mul" else [last]
        nodes.append(helper.make_node(kind, inputs, [f"v{place}"], name=f"/layer.{place}/{kind}"))
        last = f"v{place}"
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in ("x", last)]
    graph = helper.make_graph(nodes, "toy", values[:1], values[1:])
    return fusion.tidy(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8))


def run(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    (found,) = graph_files.session(model, optimise=True).run(None, {"x": x})
    return np.asarray(found)


X = np.array([300.0, 0.1, 1e-3], np.float32)


def test_results_are_those_of_fp16_arithmetic() -> None:
    half = precision.halve(chain("Mul", "Abs", "Mul"))
    with np.errstate(over="ignore"):
        square = X.astype(np.float16) * X.astype(np.float16)
        expected = (square * square).astype(np.float32)
    np.testing.assert_array_equal(run(on_gpu.rounding(half), X), expected)
    assert np.isinf(expected[0])


def test_what_a_cpu_hides_is_shown() -> None:
    model = chain("Mul", "Relu", "Mul")
    half = precision.halve(model)
    nodes = [node for node in half.graph.node if node.op_type != "Cast"]
    assert len(nodes) == 3
    assert np.isinf(run(on_gpu.rounding(half), X)[0]) and np.isfinite(run(model, X)).all()


def test_the_node_that_overflows_first_is_blamed() -> None:
    full = chain("Abs", "Mul", "Relu", "Mul")
    rounded = on_gpu.rounding(precision.halve(full))
    fault = on_gpu.blame(full, rounded, {"x": X})
    assert fault is not None
    assert (fault.node, fault.kind, fault.layer) == ("/layer.1/Mul", "Mul", 1)
    assert fault.largest == pytest.approx(9e4)
    assert "of layer 1: not finite" in str(fault)


def test_nobody_is_blamed_where_all_is_the_same() -> None:
    full = chain("Abs", "Relu")
    x = np.array([1.0, 2.0, 4.0], np.float32)
    assert on_gpu.blame(full, on_gpu.rounding(precision.halve(full)), {"x": x}) is None


def test_weights_are_rounded_too() -> None:
    model = chain("Relu")
    model.graph.node.append(helper.make_node("Mul", ["v0", "w"], ["y"], name="scale"))
    model.graph.initializer.append(numpy_helper.from_array(np.array([1 / 3], np.float32), "w"))
    model.graph.output[0].name = "y"
    found = run(on_gpu.rounding(precision.halve(model)), np.ones(1, np.float32))
    assert found[0] == np.float32(np.float16(1 / 3))
