from __future__ import annotations

from pathlib import Path

import pytest

from bench import options, training


def test_folds_are_trained_in_every_way(
    tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "TOKENS", 64)  # more than the tiny backbone takes else
    monkeypatch.setattr(training, "FROZEN", 1)  # it has two layers
    chosen = options.read("tiny", "training", 1, Path("folder"), Path("page"))
    done = training.run(chosen, tmp_path / "work", str(tiny_backbone))
    assert set(done.ratios) == {
        "side_by_side_vs_in_turn",
        "training_vs_transformers_trainer",
        "kept_states_vs_frozen_layers_run",
    }
    of_all, of_frozen = done.tables
    assert [row[0] for row in of_all.rows] == list(training.TITLES.values())
    assert [row[0] for row in of_frozen.rows] == list(training.FROZEN_TITLES.values())
    assert not (tmp_path / "work").exists()
