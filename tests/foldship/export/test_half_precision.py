"""Weights that a GPU's half precision does not bear: who is stopped, and what is blamed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from foldship import export
from foldship.export import parity, precision
from foldship.modelling import store


@pytest.fixture
def overflowing(train: Any) -> Any:
    """A fold with states of 2e5 behind its first layer's attention; all that follows is in range again."""
    trained = train("bert", folds=1)
    path = trained.folder / "fold0" / store.WEIGHTS
    state = load_file(path)
    for name, weight in state.items():
        if name.endswith("layer.0.attention.output.LayerNorm.weight"):
            weight *= 6e4
        if name.endswith("layer.0.attention.output.LayerNorm.bias"):
            weight *= 0
    save_file(state, path)
    return trained


def run(trained: Any, out: Any, **more: Any) -> Any:
    return export.run(trained.folder, trained.folds, trained.encoded, trained.features, out, **more)


def test_what_was_seen_to_overflow_is_kept_in_fp32(overflowing: Any, tmp_path: Any) -> None:
    summary = run(overflowing, tmp_path / "out")
    assert summary["kept_in_fp32"] and summary["half_precision"] == []
    assert summary["largest_intermediate"]["value"] > 65504


def test_a_gpu_is_stopped_with_the_node_and_a_cpu_is_not(
    overflowing: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "overflowing", lambda *given, **more: set())  # as of rows never seen
    out = tmp_path / "out"
    with pytest.raises(parity.ValuesError, match="fold 0, half precision") as failure:
        run(overflowing, out)
    assert "LayerNormalization" in failure.value.found and "not finite" in failure.value.found
    assert "of layer 0" in failure.value.found
    assert "accelerator: cpu" in failure.value.fix
    summary = run(overflowing, out, gpu=False)
    (note,) = summary["half_precision"]
    assert "not finite" in note
    (fold,) = json.loads((out / "parity.json").read_text())["folds"]
    rungs = {rung["rung"]: rung for rung in fold["rungs"]}
    assert rungs["half precision"]["needed"] is False and rungs["half precision"]["difference"] is None
    assert rungs["half precision on CPU"]["difference"] <= 3e-3
    assert not [path.name for path in out.iterdir() if path.name.startswith(".")]
    assert run(overflowing, out, gpu=False) == summary  # taken as it is
    with pytest.raises(parity.ValuesError):  # the kernel is to run on a GPU after all
        run(overflowing, out)
