"""What half precision spoils is found in graphs of all families, and kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
import transformers
from onnx import TensorProto, helper, numpy_helper

from foldship.export import fragile, fusion, on_gpu, precision, trace
from foldship.modelling import graph_files, sketch
from foldship.modelling.model import Encoder

SIZES = {
    "vocab_size": 90,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 514,
}
BUCKETS = {"relative_attention": True, "position_buckets": 32, "pos_att_type": ["p2c", "c2p"]}
FAMILIES: dict[str, dict[str, Any]] = {
    "bert": {},
    "albert": {"embedding_size": 16},
    "deberta-v2": {**BUCKETS, "position_biased_input": False, "type_vocab_size": 0},
    "deberta": {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    "mpnet": {"pad_token_id": 1},
    "roformer": {},
    "modernbert": {
        "pad_token_id": 0,
        "local_attention": 16,
        **dict.fromkeys(("cls_token_id", "sep_token_id", "bos_token_id", "eos_token_id"), 1),
    },
    "xlnet": {},
}
XLNET = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads")
COUNTED = ("mpnet", "deberta-v2")  # their buckets are logarithms


def exported(kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Encoder, onnx.ModelProto]:
    sizes = {key: value for key, value in SIZES.items() if kind != "xlnet" or key in XLNET}
    network: Any = sketch.build(transformers.AutoConfig.for_model(kind, **sizes, **FAMILIES[kind]))
    encoder = Encoder(network, ("mean",)).eval()
    monkeypatch.setattr(fusion, "UNFUSED", (network.config.model_type,))
    path = folder / "encoder.onnx"
    trace.trace_encoder(encoder, path, segment_ids=False)
    return encoder, graph_files.store(fusion.fuse(path, network.config), path)


def batch(length: int) -> dict[str, np.ndarray]:
    ids = np.random.default_rng(length).integers(5, sketch.WORDS, (2, length))
    mask = np.ones_like(ids)
    mask[1, length // 2 + 1 :] = 0
    return {"input_ids": ids, "attention_mask": mask}


@pytest.mark.parametrize("kind", FAMILIES)
def test_every_family_computes_alike_in_half_precision_as_a_gpu_does(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, full = exported(kind, tmp_path, monkeypatch)
    half = graph_files.store(precision.halve(full, folder=tmp_path), tmp_path / "half.onnx")
    rounded = on_gpu.rounding(half, tmp_path)
    opened = {key: graph_files.session(graph, tmp_path) for key, graph in (("full", full), ("half", rounded))}
    for length in (1, 77, 300):
        inputs = batch(length)
        with torch.inference_mode():
            expected = encoder(**{key: torch.from_numpy(value) for key, value in inputs.items()}).numpy()
        for key, tolerance in (("full", 1e-4), ("half", 3e-2)):
            read = {value.name: inputs[value.name] for value in opened[key].get_inputs()}
            (found,) = opened[key].run(None, read)
            assert np.abs(found - expected).max() <= tolerance * expected.std(), (length, key)
    if kind in COUNTED:
        _check_buckets(full, rounded, tmp_path)


def _check_buckets(full: onnx.ModelProto, rounded: onnx.ModelProto, folder: Path) -> None:
    """Integers that come of fractions are the same, each of them."""
    types = graph_files.types(full, folder)
    names = [
        node.output[0]
        for node in full.graph.node
        if node.op_type == "Cast" and types.get(node.input[0]) == "float" and types[node.output[0]] == "int64"
    ]
    assert names
    inputs = {value.name: batch(400)[value.name] for value in full.graph.input}
    pairs = (on_gpu._run(graph, names, inputs, folder) for graph in (full, rounded))
    for one, other in zip(*pairs, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_mechanism_is_what_keeps_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, full = exported("mpnet", tmp_path, monkeypatch)
    monkeypatch.setattr(fragile, "nodes", lambda *given: set())
    half = graph_files.store(precision.halve(full, folder=tmp_path), tmp_path / "half.onnx")
    with pytest.raises(AssertionError):
        _check_buckets(full, on_gpu.rounding(half, tmp_path), tmp_path)


def test_angles_of_far_tokens_stay_exact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, full = exported("modernbert", tmp_path, monkeypatch)
    half = graph_files.store(precision.halve(full, folder=tmp_path), tmp_path / "half.onnx")
    types = graph_files.types(half, tmp_path)
    angles = [node.input[0] for node in half.graph.node if node.op_type in ("Sin", "Cos")]
    assert angles and {types[name] for name in angles} == {"float"}


def toy(*nodes: onnx.NodeProto, outputs: str, constants: dict[str, float]) -> onnx.ModelProto:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 4]) for name in ("x", outputs)]
    weights = [numpy_helper.from_array(np.array(v, np.float32), k) for k, v in constants.items()]
    graph = helper.make_graph(list(nodes), "toy", values[:1], values[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return fusion.tidy(model)


def norm(eps: float) -> onnx.ModelProto:
    """A layer norm that nobody fused."""
    node = helper.make_node
    return toy(
        node("ReduceMean", ["x"], ["mean"], axes=[-1]),
        node("Sub", ["x", "mean"], ["centred"]),
        node("Pow", ["centred", "two"], ["square"]),
        node("ReduceMean", ["square"], ["variance"], axes=[-1]),
        node("Add", ["variance", "eps"], ["safe"]),
        node("Sqrt", ["safe"], ["root"]),
        node("Div", ["centred", "root"], ["y"]),
        outputs="y",
        constants={"two": 2.0, "eps": eps},
    )


@pytest.mark.parametrize(
    "row",
    [[900.0, -900.0, 300.0, 0.0], [1.0, 1.0, 1.0, 1.0], [1e-3, -1e-3, 2e-3, 0.0]],
    ids=["squares above 65504", "no variance", "squares below 6e-8"],
)
def test_a_norm_that_is_not_fused_keeps_its_variance_and_its_epsilon(row: list[float]) -> None:
    model, x = norm(1e-12), np.array([row], np.float32)
    (expected,) = graph_files.session(model).run(None, {"x": x})
    (found,) = graph_files.session(on_gpu.rounding(precision.halve(model))).run(None, {"x": x})
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_two_fills_of_a_mask_stay_finite() -> None:
    node = helper.make_node
    model = toy(
        node("Mul", ["x", "fill"], ["one"]),
        node("Mul", ["x", "fill"], ["other"]),
        node("Add", ["one", "other"], ["both"]),
        node("Softmax", ["both"], ["y"]),
        outputs="y",
        constants={"fill": float(np.finfo(np.float32).min)},
    )
    rounded = on_gpu.rounding(precision.halve(model))
    (found,) = graph_files.session(rounded).run(None, {"x": np.ones((1, 4), np.float32)})
    np.testing.assert_allclose(found, 0.25, atol=1e-3)
