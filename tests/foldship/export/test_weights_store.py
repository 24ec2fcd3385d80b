from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from foldship.export import weights_store
from foldship.export.weights_store import Graph

SIZE = 600


def save(folder, name, owner, *columns):
    """A graph that sums x times each column."""
    nodes, initializers, last = [], [], "x"
    for place, column in enumerate(columns):
        initializers.append(numpy_helper.from_array(column, f"w{place}"))
        nodes.append(helper.make_node("Mul", [last, f"w{place}"], [f"v{place}"]))
        last = f"v{place}"
    initializers.append(numpy_helper.from_array(np.ones(2, np.float32).mean(keepdims=True), "small"))
    nodes.append(helper.make_node("Mul", [last, "small"], ["y"]))
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [SIZE]) for n in ("x", "y")]
    graph = helper.make_graph(nodes, "toy", values[:1], values[1:], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    source = folder / name
    onnx.save(model, source)
    return Graph(source, name, owner)


@pytest.fixture
def parts():
    random = np.random.default_rng(0)
    return [random.normal(size=SIZE).astype(np.float32) for _ in range(4)]


@pytest.fixture
def graphs(tmp_path, parts):
    (tmp_path / "in").mkdir()
    base, other, first, second = parts
    return [
        save(tmp_path / "in", "a.onnx", 0, base, first),
        save(tmp_path / "in", "a2.onnx", 0, first),
        save(tmp_path / "in", "b.onnx", 1, other, base, second),
    ]


def run(path, x):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def references(folder):
    places = {}
    for path in sorted(folder.glob("*.onnx")):
        for tensor in onnx.load(path, load_external_data=False).graph.initializer:
            if tensor.external_data:
                entry = {pair.key: pair.value for pair in tensor.external_data}
                places[path.name, tensor.name] = entry["location"], int(entry["offset"]), int(entry["length"])
    return places


def test_equal_tensors_of_folds_are_stored_once_and_graphs_still_run(graphs, parts, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    stored = weights_store.store(graphs, out)
    base, other, first, second = parts
    x = np.ones(SIZE, np.float32)
    np.testing.assert_array_equal(run(out / "a.onnx", x), base * first)
    np.testing.assert_array_equal(run(out / "a2.onnx", x), first)
    np.testing.assert_allclose(run(out / "b.onnx", x), other * base * second, rtol=1e-6)
    assert stored.files == {
        "a.onnx": ["weights-fold0.bin", "weights-shared.bin"],
        "a2.onnx": ["weights-fold0.bin"],
        "b.onnx": ["weights-fold1.bin", "weights-shared.bin"],
    }
    assert stored.stored == 4 * 4 * SIZE
    assert stored.unshared == 5 * 4 * SIZE  # within a fold, `first` is stored once anyway


def test_tensors_begin_on_pages_and_small_ones_stay(graphs, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    weights_store.store(graphs, out)
    places = references(out)
    assert len(places) == 6
    assert not any(name == "small" for _, name in places)
    assert all(offset % 4096 == 0 and length == 4 * SIZE for _, offset, length in places.values())
    assert places["a.onnx", "w0"] == places["b.onnx", "w1"]


def test_result_is_the_same_every_time(graphs, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        weights_store.store(graphs, tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_large_files_are_split(graphs, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    stored = weights_store.store(graphs, out, largest_file=5000)
    assert stored.files["b.onnx"] == ["weights-fold1-1.bin", "weights-fold1.bin", "weights-shared.bin"]
    assert all(path.stat().st_size <= 5000 for path in out.glob("*.bin"))
    assert np.isfinite(run(out / "b.onnx", np.ones(SIZE, np.float32))).all()
