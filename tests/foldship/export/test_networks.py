"""Every kind of pooling and head, from torch to the graphs that are shipped."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from foldship import export
from foldship.export import candidates, parity
from foldship.export.samples import Rows
from foldship.modelling import store
from foldship_kernel.fold import Fold

POOLING = [
    "cls",
    "mean",
    "max",
    "sep",
    "mean@1",
    "cls@0",
    "layers_cls",
    "layers_mean",
    "lstm",
    "first:subject",
    "mean:object",
    "mean:subject@1",
]
HEADS = {
    "samples": {"head": {"hidden": 16, "samples": 4}},
    "linear": {"head": {"hidden": 0}},
    "per_target": {"head": {"hidden": 4, "per_target": True}},
    "interactions": {"head": {"hidden": 16, "interactions": True}},
    "norm": {"head": {"hidden": 16, "norm": True}},
    "layers": {"head": {"hidden": 16, "layers": 3}},
    "cascade": {"head": {"hidden": 8, "cascade": "question_well_written"}},
    "restrict": {"features": {"categories": ["category"]}, "head": {"hidden": 8, "restrict": "category"}},
    "views": {"head": {"hidden": 16, "views": {"answer_": [1, 0], "question_": [0]}}},
    "embedding": {"features": {"categories": ["category"], "embedding": 2}},
    "all": {
        "pooling": POOLING,
        "features": {"categories": ["category"], "embedding": 2},
        "head": {
            "hidden": 4,
            "per_target": True,
            "interactions": True,
            "norm": True,
            "views": {"question_": [0], "answer_": [0, 1]},
        },
    },
}
NETWORKS = {**{kind: {"pooling": [kind]} for kind in POOLING if kind != "cls@0"}, **HEADS}


def climb(trained, out):
    """Export; returns the summary and the differences by fold and rung."""
    summary = export.run(trained.folder, trained.folds, trained.encoded, trained.features, out)
    folds = json.loads((out / "parity.json").read_text())["folds"]
    return summary, [{rung["rung"]: rung["difference"] for rung in fold["rungs"]} for fold in folds]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_exports_with_parity_and_fused_attention(name, train, tmp_path):
    trained = train("bert", folds=1, **NETWORKS[name])
    summary, [rungs] = climb(trained, tmp_path / "out")
    assert summary["fused_attentions"] == (1 if "@" in name else 2)  # layers that nobody reads are left out
    assert rungs["fused"] < 1e-5
    assert rungs["half precision on CPU"] < 1e-3


@pytest.mark.parametrize(("kind", "attentions"), [("roberta", 2), ("electra", 2), ("deberta-v2", 0)])
def test_pooling_of_every_kind_exports_from_other_architectures(kind, attentions, train, tmp_path):
    trained = train(kind, folds=1, pooling=POOLING)
    summary, [rungs] = climb(trained, tmp_path / "out")
    assert summary["fused_attentions"] == attentions
    assert rungs["fused"] < 1e-5


def test_adapters_are_merged_under_learned_pooling_and_the_base_is_shared(train, tmp_path):
    trained = train("bert", lora=True, pooling=["layers_mean", "lstm"])
    summary, differences = climb(trained, tmp_path / "out")
    assert summary["fused_attentions"] == 2
    assert "weights-shared.bin" in summary["sizes"]
    assert all(rungs["merged"] < 1e-5 for rungs in differences)


def test_a_recurrent_layer_keeps_its_precision(train, tmp_path):
    trained = train("bert", folds=1, pooling=["mean", "lstm"])
    climb(trained, tmp_path / "out")
    graph = onnx.load(tmp_path / "out" / "encoder-fold0.onnx").graph
    types = {tensor.name: tensor.data_type for tensor in graph.initializer}
    weights = [name for node in graph.node if node.op_type == "LSTM" for name in node.input if name in types]
    assert len(weights) == 6
    assert {types[name] for name in weights} == {TensorProto.FLOAT}
    assert TensorProto.FLOAT16 in types.values()


@pytest.mark.parametrize("engine", ["openvino", "openvino-fp32", "onnxruntime-int8"])
def test_other_engines_run_every_kind_of_pooling(engine, train, held_out, tmp_path, monkeypatch):
    monkeypatch.setattr(candidates, "obstacle", lambda candidate: "")  # for processors without bf16
    trained = train("bert", folds=1, pooling=POOLING)
    summary = export.run(
        trained.folder,
        trained.folds,
        trained.encoded,
        trained.features,
        tmp_path / "out",
        cpu_engine=engine,
        held_out=held_out(trained),
    )
    assert summary["cpu_engines"][0]["verdict"] == "asked for"


def test_what_a_row_is_batched_with_changes_nothing(train, tmp_path):
    trained = train("bert", folds=1, pooling=POOLING)
    summary, _ = climb(trained, tmp_path / "out")
    entry = summary["folds"][0]
    encoder, head = (tmp_path / "out" / entry[key] for key in ("encoder_cpu", "head"))
    card, graphs = store.load_card(trained.folder), Fold(encoder, encoder, head, gpus=0)
    together = parity.outputs(card, graphs, Rows(trained.encoded, trained.features))
    for row in range(len(trained.features)):
        alone = Rows(trained.encoded.take(np.array([row])), trained.features[[row]])
        np.testing.assert_allclose(parity.outputs(card, graphs, alone)[0], together[row], atol=1e-6)
