"""Merging, tracing, fusion and the digest of structure, each by itself."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper

from foldship.config.network import Head
from foldship.export import fusion, merge, structure, trace
from foldship.modelling import heads, predict, store
from foldship.modelling.heads import Inputs
from foldship.modelling.ordinal import Grid, OrdinalDecode
from foldship_kernel.errors import FoldshipError


@pytest.fixture(scope="module")
def trained(train):
    return train("bert", lora=True)


@pytest.fixture(scope="module")
def traced(trained, tmp_path_factory):
    paths = []
    for fold in trained.folds:
        model = store.load_fold(trained.folder, fold)
        merge.merge_adapters(model)
        path = tmp_path_factory.mktemp("traced") / f"{fold}.onnx"
        trace.trace_encoder(model.encoder, path, segment_ids=False)
        paths.append((path, model.encoder.backbone.config))
    return paths


def test_merging_removes_adapters_and_changes_no_vector(trained):
    model = store.load_fold(trained.folder, 0)
    before = predict.encode(model, trained.encoded, store.load_card(trained.folder).encoding)
    assert merge.merge_adapters(model)
    assert not any("lora" in name for name in model.state_dict())
    after = predict.encode(model, trained.encoded, store.load_card(trained.folder).encoding)
    np.testing.assert_allclose(after, before, atol=1e-5)
    assert not merge.merge_adapters(model)


def test_merging_refuses_numbers_that_are_not_finite(trained):
    model = store.load_fold(trained.folder, 0)
    with torch.no_grad():
        next(t for name, t in model.named_parameters() if "lora_A" in name)[0, 0] = torch.inf
    with pytest.raises(FoldshipError, match="not finite"):
        merge.merge_adapters(model)


def test_only_eager_attention_is_traced(trained, tmp_path):
    model = store.load_fold(trained.folder, 0, attention="sdpa")
    merge.merge_adapters(model)
    with pytest.raises(FoldshipError, match="would not fuse"):
        trace.trace_encoder(model.encoder, tmp_path / "encoder.onnx", segment_ids=False)


def test_attention_that_does_not_fuse_fails_the_build(traced):
    path, config = traced[0]
    config = config.__class__.from_dict({**config.to_dict(), "num_hidden_layers": 3})
    with pytest.raises(FoldshipError, match="did not fuse") as caught:
        fusion.fuse(path, config)
    assert caught.value.found == "2"


def test_digest_is_blind_to_weights_only(traced):
    first, second = (fusion.fuse(path, config) for path, config in traced)
    assert structure.digest(first) == structure.digest(second)
    pairs = zip(first.graph.initializer, second.graph.initializer, strict=True)
    assert any(a.raw_data != b.raw_data for a, b in pairs)

    def changed(change) -> str:
        model = onnx.ModelProto()
        model.CopyFrom(first)
        change(model)
        return structure.digest(model)

    def reshape(model) -> None:
        weight = next(t for t in model.graph.initializer if len(t.dims) == 2)
        weight.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weight).T.copy(), weight.name))

    assert changed(reshape) != structure.digest(first)
    assert changed(lambda model: model.graph.node.pop()) != structure.digest(first)


def test_a_head_of_ordinal_targets_decodes_them_in_its_graph(tmp_path):
    labels = np.random.default_rng(0).choice([0, 0.25, 0.5, 1], size=(40, 3)).astype(np.float32)
    torch.manual_seed(0)
    grid = Grid.fit(labels, 8)
    outputs_of = [str(owner) for owner in grid.owners]
    head = heads.build(Inputs(1, 8, 2), outputs_of, Head(hidden=4, dropout=0.1), OrdinalDecode(grid)).eval()
    path = tmp_path / "head.onnx"
    trace.trace_head(head, path, pooled=8, features=2)
    session = onnxruntime.InferenceSession(fusion.tidy(onnx.load(path)).SerializeToString())
    for rows in (1, 7):
        pooled, features = 30 * torch.randn(rows, 8), torch.randn(rows, 2)
        (found,) = session.run(None, {trace.POOLED: pooled.numpy(), trace.FEATURES: features.numpy()})
        assert found.shape == (rows, 3)
        np.testing.assert_allclose(found, head(pooled, features).detach().numpy(), atol=1e-4, rtol=1e-5)
