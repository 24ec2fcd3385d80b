from __future__ import annotations

import gzip
import io
import json
import pickle
from pathlib import Path

import numpy as np
import onnx
import pytest
import tiny_bundle
from onnx import helper

from foldship.shipping.inspection import kinds
from foldship_kernel.retrieval import arrays


def found(folder: Path) -> dict[str, str]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() or path.is_symlink()]
    return {finding.file: finding.what for finding in kinds.check(folder, files)}


def write(folder: Path, name: str, content: bytes | str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def array(*values: object) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array(values, dtype=object), allow_pickle=True)
    return stream.getvalue()


def torch_file() -> bytes:
    import torch

    stream = io.BytesIO()
    torch.save({"weight": torch.zeros(4)}, stream)
    return stream.getvalue()


PICKLES = {
    **{f"protocol {number}": pickle.dumps({"a": [1, 2.5, "x"]}, protocol=number) for number in range(6)},
    "of an object": pickle.dumps(Path("x")),
    "large": pickle.dumps(b"x" * 500_000),
    "torch": torch_file(),
    "gzip": gzip.compress(pickle.dumps([1])),
    "object array": array({"a": 1}),
}


@pytest.mark.parametrize("content", PICKLES.values(), ids=PICKLES)
@pytest.mark.parametrize("name", ["models/a/model.pkl", "models/a/weights.bin", "tokenizers/x.json", "a.txt"])
def test_no_pickle_travels_whatever_its_name(tmp_path: Path, name: str, content: bytes) -> None:
    write(tmp_path, name, content)
    assert name in found(tmp_path)


@pytest.mark.parametrize("kind", ["protocol 0", "protocol 4", "large", "torch"])
def test_a_pickle_is_called_one(tmp_path: Path, kind: str) -> None:
    write(tmp_path, "a.txt", PICKLES[kind])
    assert "pickle" in found(tmp_path)["a.txt"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", "{half"),
        ("a.py", "def"),
        ("a.yaml", "[half"),
        ("a.txt", b"\xff\xfe"),
        ("a.txt", b"text\0"),
        ("a.onnx", b"no graph at all"),
        ("a.safetensors", b"\xff" * 100),
        ("a.safetensors", b"short"),
        ("a.sh", "echo"),
        ("README", "no suffix"),
        ("a.bin", b"weights of no graph"),
        ("a.pt", b"weights"),
    ],
)
def test_only_known_kinds_travel_and_they_are_what_they_are_called(
    tmp_path: Path, name: str, content: bytes | str
) -> None:
    write(tmp_path, name, content)
    assert list(found(tmp_path)) == [name]


def test_a_link_does_not_travel(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "text")
    (tmp_path / "b.txt").symlink_to(tmp_path / "a.txt")
    assert list(found(tmp_path)) == ["b.txt"]


def test_a_real_bundle_holds_nothing_else(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    built = tiny_bundle.build(tmp_path)
    assert found(built.dataset) == {} and found(built.kernel) == {}
    write(built.dataset, "wheels/x-1-py3-none-any.whl", torch_file())  # archives of their own
    write(built.dataset, "a.yaml", "!!python/object:os.system {}")  # only ever read safely
    save_file({"a": np.zeros(3)}, built.dataset / "a.safetensors")
    assert found(built.dataset) == {}


def test_source_that_begins_like_a_pickle_is_source(tmp_path: Path) -> None:
    for number, text in enumerate(
        ["import os\n", "(1)\n", "from x import y\n", "class X:\n    pass\n", "S = 1\n"]
    ):
        write(tmp_path, f"{number}.py", text)
    write(tmp_path, "a.json", "[1, 2]")
    write(tmp_path, "b.txt", ".")
    assert found(tmp_path) == {}


def test_weights_that_look_like_a_pickles_beginning_are_weights(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for number in range(200):
        head = bytes([0x80, 2 + number % 4])
        path = tmp_path / f"{number}.bin"
        path.write_bytes(head + random.bytes(70_000))
        assert kinds.pickle_in(path, path.read_bytes()[: kinds.HEAD]) == ""


def test_weights_outside_of_the_graphs_folder_are_not_taken_for_its_own(tmp_path: Path) -> None:
    tensor = onnx.TensorProto(name="t", data_type=onnx.TensorProto.FLOAT, dims=[1])
    tensor.raw_data = bytes(4)
    onnx.external_data_helper.set_external_data(tensor, location="../b/w.bin", offset=0, length=4)
    tensor.ClearField("raw_data")
    graph = helper.make_graph([], "g", [], [], [tensor])
    write(tmp_path, "a/g.onnx", helper.make_model(graph).SerializeToString())
    write(tmp_path, "b/w.bin", bytes(4))
    assert list(found(tmp_path)) == ["b/w.bin"]


def test_arrays_that_an_index_describes_travel_and_no_others(tmp_path: Path) -> None:
    folder = tmp_path / "retrieval"
    folder.mkdir()
    described = arrays.write(folder / "vectors.bin", np.zeros((3, 4), dtype=np.float16))
    write(tmp_path, "retrieval/other.bin", b"12345678")
    write(tmp_path, "elsewhere/vectors.bin", bytes(24))
    write(tmp_path, "retrieval/vectors.json", json.dumps({"arrays": {"vectors": described}}))
    assert set(found(tmp_path)) == {"retrieval/other.bin", "elsewhere/vectors.bin"}
    write(tmp_path, "retrieval/vectors.bin", bytes(25))
    assert "retrieval/vectors.bin" in found(tmp_path)
    write(tmp_path, "retrieval/vectors.bin", pickle.dumps(list(range(200))))
    size = (folder / "vectors.bin").stat().st_size
    write(tmp_path, "retrieval/vectors.json", json.dumps({"arrays": {"vectors": ["u1", [size]]}}))
    assert "is a pickle" in found(tmp_path)["retrieval/vectors.bin"]
