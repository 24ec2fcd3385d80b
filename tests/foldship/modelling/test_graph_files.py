from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.transformers.float16 import convert_np_to_float16

from foldship.modelling import graph_files
from foldship_kernel.errors import FoldshipError

WEIGHT = np.random.default_rng(0).normal(size=(32, 40)).astype(np.float32)


def graph() -> onnx.ModelProto:
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    sizes = {"x": 32, "y": 40}
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", s]) for n, s in sizes.items()]
    made = helper.make_graph([node], "toy", values[:1], values[1:], [numpy_helper.from_array(WEIGHT, "w")])
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_weights_lie_beside_the_graph_and_come_back(tmp_path: Path) -> None:
    model, path = graph(), tmp_path / "a.onnx"
    bare = graph_files.store(model, path)
    assert path.stat().st_size < 500 and WEIGHT.nbytes == (tmp_path / "a.onnx.data").stat().st_size
    assert bare.SerializeToString() == graph_files.load(path).SerializeToString()
    assert graph_files.size(bare) == WEIGHT.nbytes
    whole = graph_files.whole(bare, tmp_path, "toy")
    assert whole.SerializeToString(deterministic=True) == model.SerializeToString(deterministic=True)
    x = np.ones((2, 32), np.float32)
    (found,) = graph_files.session(bare, tmp_path).run(None, {"x": x})
    np.testing.assert_allclose(found, x @ WEIGHT, rtol=1e-5)
    onnx.checker.check_model(str(path))


def test_a_weight_declared_half_is_rounded_when_it_is_read_and_stored(tmp_path: Path) -> None:
    bare = graph_files.store(graph(), tmp_path / "a.onnx")
    bare.graph.initializer[0].data_type = TensorProto.FLOAT16
    expected = WEIGHT.astype(np.float16)
    np.testing.assert_array_equal(graph_files.values(bare.graph.initializer[0], tmp_path), expected)
    stored = graph_files.store(bare, tmp_path / "b.onnx")
    assert (tmp_path / "b.onnx.data").stat().st_size == expected.nbytes
    np.testing.assert_array_equal(graph_files.values(stored.graph.initializer[0], tmp_path), expected)


@settings(deadline=None, max_examples=50)
@given(hnp.arrays(np.float32, 20, elements=st.floats(width=32)))
def test_rounding_is_that_of_the_conversion_of_graphs(values: np.ndarray) -> None:
    found, expected = graph_files.halve_values(values), convert_np_to_float16(values.copy())
    np.testing.assert_array_equal(found, expected)


def test_what_does_not_fit_into_one_file_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = graph_files.store(graph(), tmp_path / "a.onnx")
    monkeypatch.setattr(graph_files, "LARGEST", 1000)
    with pytest.raises(FoldshipError, match="here: too large for a single file"):
        graph_files.whole(bare, tmp_path, "here")


def test_a_file_of_weights_that_is_gone_is_noticed(tmp_path: Path) -> None:
    graph_files.store(graph(), tmp_path / "a.onnx")
    assert graph_files.is_whole(tmp_path / "a.onnx")
    (tmp_path / "a.onnx.data").unlink()
    assert not graph_files.is_whole(tmp_path / "a.onnx")


def test_types_are_those_of_the_runtime(tmp_path: Path) -> None:
    assert graph_files.types(graph()) == {"y": "float"}
    assert graph_files.types(graph_files.store(graph(), tmp_path / "a.onnx"), tmp_path) == {"y": "float"}
