"""Encoders above protobuf's 2 GB, from torch to the files that are shipped."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
import transformers

from foldship import export
from foldship.export import fusion, precision, trace, weights_store
from foldship.modelling import graph_files
from foldship.modelling.model import Encoder

MEMORY, DISK = 10e9, 12e9  # bytes that it takes, and some to spare
WORDS, WIDTH = 530_000, 1024  # an embedding table of 2.17 GB


def test_graphs_above_the_limit_give_the_same_bytes(
    train: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way of large encoders, gone by a small one."""
    trained = train("bert", lora=True)
    given = (trained.folder, trained.folds, trained.encoded, trained.features)
    export.run(*given, tmp_path / "small")
    monkeypatch.setattr(fusion, "WHOLE", 0)
    monkeypatch.setattr(graph_files, "LARGEST", 0)
    monkeypatch.setenv("FORCE_ONNX_EXTERNAL_DATA", "1")  # of Optimum
    export.run(*given, tmp_path / "large")
    names = sorted(path.name for path in (tmp_path / "small").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "large").iterdir())
    for name in names:
        assert (tmp_path / "small" / name).read_bytes() == (tmp_path / "large" / name).read_bytes(), name


@pytest.mark.skipif("FOLDSHIP_LARGE" not in os.environ, reason="takes minutes: set FOLDSHIP_LARGE=1")
def test_an_encoder_above_2_gb_is_exported(tmp_path: Path) -> None:
    if psutil.virtual_memory().available < MEMORY or shutil.disk_usage(tmp_path).free < DISK:
        pytest.skip(f"needs {MEMORY / 1e9:.0f} GB of free memory and {DISK / 1e9:.0f} GB of disk")
    config = transformers.BertConfig(
        vocab_size=WORDS,
        hidden_size=WIDTH,
        num_hidden_layers=1,
        num_attention_heads=16,
        intermediate_size=1024,
        max_position_embeddings=64,
    )
    with transformers.modeling_utils.no_init_weights():
        backbone = transformers.BertModel._from_config(config, attn_implementation="eager")
    backbone.pooler = None
    torch.manual_seed(0)
    block = torch.randn(1000, WIDTH) * 0.05
    with torch.no_grad():
        for weight in backbone.parameters():
            weight.copy_(
                torch.ones_like(weight) if weight.dim() == 1 else torch.randn(weight.shape[0], 1) * 0.02
            )
        table = backbone.embeddings.word_embeddings.weight
        table.copy_(block.repeat(WORDS // 1000, 1))
        table[-1000:] *= 2
    encoder = Encoder(backbone, ("mean",)).eval()
    ids = torch.tensor([[5, WORDS - 1, WORDS - 7, 77], [WORDS - 2, 3, 0, 0]])
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
    with torch.inference_mode():
        expected = encoder(ids, mask).numpy()
    scratch, out = tmp_path / "scratch", tmp_path / "out"
    scratch.mkdir()
    out.mkdir()
    path = scratch / "fp32.onnx"
    trace.trace_encoder(encoder, path, segment_ids=False)
    del encoder, backbone, table
    fused = graph_files.store(fusion.fuse(path, config), path)
    assert graph_files.size(fused) > 2**31
    half = graph_files.store(precision.halve(fused, folder=scratch), scratch / "half.onnx")
    graph_files.save(precision.widen(fused, half), scratch / "cpu.onnx")
    graphs = [weights_store.Graph(scratch / name, name, 0) for name in ("half.onnx", "cpu.onnx")]
    stored = weights_store.store(graphs, out)
    assert stored.stored > 2**30
    feed = {"input_ids": ids.numpy(), "attention_mask": mask.numpy()}
    for place, name in ((scratch, "fp32.onnx"), (out, "cpu.onnx"), (out, "half.onnx")):
        (found,) = graph_files.session(graph_files.load(place / name), place).run(None, feed)
        np.testing.assert_allclose(found, expected, atol=1e-4 if name == "fp32.onnx" else 1e-2)
