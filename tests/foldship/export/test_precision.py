from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from foldship.export import precision

FILL = float(np.finfo(np.float32).min)


def graph(scale: float) -> onnx.ModelProto:
    """y = (x * scale + 1, read twice) / scale, beside a mask that fills with the lowest number."""
    weights = {"scale": [scale], "one": [1.0], "unscale": [1 / scale], "fill": [FILL], "zero": [0.0]}
    nodes = [
        helper.make_node("Mul", ["x", "scale"], ["large"], name="multiply"),
        helper.make_node("Add", ["large", "one"], ["larger"], name="add"),
        helper.make_node("Mul", ["larger", "unscale"], ["small"], name="divide"),
        helper.make_node("Mul", ["larger", "unscale"], ["twin"], name="divide again"),
        helper.make_node("Less", ["x", "zero"], ["masked"], name="less"),
        helper.make_node("Where", ["masked", "fill", "small"], ["filled"], name="mask"),
        helper.make_node("Max", ["filled", "twin"], ["y"], name="max"),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in ("x", "y")]
    made = helper.make_graph(
        nodes,
        "toy",
        values[:1],
        values[1:],
        [numpy_helper.from_array(np.array(value, np.float32), name) for name, value in weights.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def run(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


X = np.array([-2.0, 0.5, 4.0], dtype=np.float32)


def test_maxima_are_over_all_batches_and_blind_to_mask_fill():
    largest = precision.maxima(graph(1000.0), [{"x": X}, {"x": 2 * X}])
    assert largest["large"] == 8000.0
    assert largest["larger"] == 8001.0
    assert largest["filled"] < 9.0
    assert "masked" not in largest


def test_nodes_on_both_sides_of_a_large_value_are_kept():
    model = graph(1e5)
    kept = precision.overflowing(model, precision.maxima(model, [{"x": X}]))
    assert kept == {"multiply", "add", "divide", "divide again"}


def test_nothing_is_kept_when_all_is_small():
    model = graph(10.0)
    assert precision.overflowing(model, precision.maxima(model, [{"x": X}])) == set()


def test_kept_nodes_save_values_that_fp16_cannot_hold():
    model = graph(1e5)
    before = model.SerializeToString()
    half = precision.halve(model, {"multiply", "add", "divide", "divide again"})
    assert model.SerializeToString() == before
    np.testing.assert_allclose(run(half, X), run(model, X), rtol=2e-3)
    types = {tensor.name: tensor.data_type for tensor in half.graph.initializer}
    assert types["scale"] == TensorProto.FLOAT
    assert types["fill"] == TensorProto.FLOAT16
    names = [node.name for node in half.graph.node]
    assert len(names) == len(set(names))


def test_wide_form_computes_in_fp32_with_fp16_weights():
    model = graph(3.1415927)
    half = precision.halve(model)
    wide = precision.widen(model, half)
    stored = {tensor.name: tensor for tensor in wide.graph.initializer}
    assert stored["scale.fp16"].data_type == TensorProto.FLOAT16
    assert stored["scale.fp16"].raw_data == {t.name: t for t in half.graph.initializer}["scale"].raw_data
    scale = np.float32(np.float16(3.1415927)), np.float32(np.float16(1 / 3.1415927))
    np.testing.assert_array_equal(run(wide, X), (X * scale[0] + np.float32(1)) * scale[1])


def test_wide_form_leaves_weights_of_kept_nodes_alone():
    model = graph(1e5)
    wide = precision.widen(model, precision.halve(model, {"multiply", "add", "divide", "divide again"}))
    types = {tensor.name: tensor.data_type for tensor in wide.graph.initializer}
    assert types["scale"] == TensorProto.FLOAT
