"""What only a CUDA device shows: its formats, its optimizer, a base held in 4 bits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fold_runner
import in_torch
import numpy as np
import pandas as pd
import pytest
import torch
from bitsandbytes.nn import Linear4bit
from declared import quest
from safetensors.torch import load_file

from foldship.export.merge import merge_adapters
from foldship.modelling import store
from foldship.training import fold, precision

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
TARGETS = list(quest.targets)


@pytest.fixture(scope="module")
def trained(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quantised")
    fold_runner.train(tiny_backbone, folder / "quest", "quantised")
    return folder / "quest" / "tiny"


def test_the_base_is_held_in_four_bits_and_the_head_is_not(trained: Path) -> None:
    model = fold.build(store.load_card(trained))
    held = [name for name, module in model.named_modules() if isinstance(module, Linear4bit)]
    assert held and all(".encoder.layer." in name for name in held)
    assert not [name for name in held if "lora_" in name]
    learning = {name: p for name, p in model.named_parameters() if p.requires_grad}
    assert any(name.startswith("head.") for name in learning) and any("lora_" in name for name in learning)
    assert {p.dtype for p in learning.values()} == {torch.float32}
    assert {p.device.type for p in model.parameters()} == {"cuda"}


def test_a_fold_keeps_adapters_and_head_alone_and_they_have_learnt(trained: Path) -> None:
    weights = load_file(trained / "fold0" / store.WEIGHTS)
    assert not any("base_layer" in name or "absmax" in name for name in weights)
    assert all(tensor.is_floating_point() for tensor in weights.values())
    # What LoRA begins with is zero.
    assert all(tensor.abs().max() > 0 for name, tensor in weights.items() if "lora_B" in name)


def test_what_is_scored_is_the_fold_merged_in_full_precision(trained: Path) -> None:
    table = pd.read_csv(trained / "fold0" / store.OUT_OF_FOLD, dtype={"qa_id": str})
    model = store.load_fold(trained, 0).to(precision.device())
    rows = fold_runner.rows(120).set_index("qa_id", drop=False).loc[table["qa_id"]]
    unmerged = in_torch.outputs(model, trained, rows)
    assert merge_adapters(model)
    merged = in_torch.outputs(model, trained, rows)
    np.testing.assert_allclose(unmerged, table[TARGETS], atol=1e-4)
    np.testing.assert_allclose(merged, unmerged, atol=1e-4)


def test_its_fastest_format_and_optimizer_train_to_finite_numbers(
    tiny_backbone: Path, tmp_path: Path
) -> None:
    fold_runner.train(tiny_backbone, tmp_path / "quest", "fastest")
    table = pd.read_csv(tmp_path / "quest" / "tiny" / "oof.csv")
    assert np.isfinite(table[TARGETS].to_numpy()).all()
    receipt: dict[str, Any] = json.loads((tmp_path / "quest" / "tiny" / "fold0" / "receipt.json").read_text())
    assert receipt["device"] == "cuda"
