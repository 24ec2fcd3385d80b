"""Classes, spans and made-up rows in training: relation extraction with a tiny network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import in_torch
import numpy as np
import pandas as pd
import pytest
from declared import KERNELS

from foldship import competitions
from foldship.config.schema import Experiment
from foldship.modelling import store
from foldship.training import frozen_states, run

KLUE = competitions.get(KERNELS, "klue_re")
TARGETS = list(KLUE.task.targets)
FULL = {"train": "full", "epochs": 1, "encoder_lr": 1e-3, "head_lr": 1e-2, "freeze_layers": 1}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("sample")
    KLUE.write_sample(folder)
    return KLUE.read_train(folder)[:48]


def train(rows: pd.DataFrame, backbone: Path, weights: Path, **settings: Any) -> Path:
    model = {
        "backbone": str(backbone),
        "encoder_dropout": 0.0,
        "towers": [{"segments": ["typed_en"], "max_tokens": 64}],
        "pooling": ["cls", "first:subject", "mean:object"],
        "features": {"categories": ["types"]},
        "head": {"hidden": 8, "dropout": 0.0, "restrict": "types", "cascade": "no_relation"},
        "stages": [FULL],
        "batch_size": 8,
        **settings,
    }
    folds = pd.DataFrame({"id": rows["id"], "group": rows["id"], "fold": np.arange(len(rows)) % 2})
    experiment = Experiment.model_validate({"competition": "klue_re", "models": {"tiny": model}})
    return run.run(KLUE.task, experiment, rows, folds, weights, jobs=1, score=KLUE.score)[0]


def out_of_fold(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "oof.csv").set_index("id")


def test_probabilities_are_out_of_fold_and_know_no_impossible_class(
    rows: pd.DataFrame, tiny_backbone: Path, tmp_path: Path
) -> None:
    folder = train(rows, tiny_backbone, tmp_path)
    found = out_of_fold(folder)
    np.testing.assert_allclose(found[TARGETS].sum(axis=1), 1, atol=1e-6)
    table = rows.set_index("id")
    for fold in (0, 1):
        own = found.index[found["fold"] == fold]
        learnt = table.drop(own)
        for name in own:
            seen = learnt[learnt["types"] == table.loc[name, "types"]]
            if len(seen):
                never = [target for target in TARGETS if not seen[target].any()]
                assert found.loc[name, never].max() < 1e-6
    # What was written is what predicts.
    card = store.load_card(folder)
    assert card.task == KLUE.task and card.encoding.spans
    outputs = in_torch.outputs(store.load_fold(folder, 0, attention="sdpa"), folder, rows)
    held_out = np.arange(len(rows)) % 2 == 0
    expected = found.loc[list(rows["id"])][TARGETS].to_numpy()
    np.testing.assert_allclose(outputs[held_out], expected[held_out], atol=1e-5)


def test_training_on_kept_states_is_training_on_tokens(
    rows: pd.DataFrame, tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = out_of_fold(train(rows, tiny_backbone, tmp_path / "kept"))
    monkeypatch.setattr(frozen_states, "depth", lambda config, number: 0)
    plain = out_of_fold(train(rows, tiny_backbone, tmp_path / "plain"))
    np.testing.assert_allclose(kept[TARGETS], plain[TARGETS], atol=5e-3)  # float16


@pytest.mark.parametrize("function", ["swap_entities", "mask_entities"])
def test_rows_are_made_of_a_folds_own(
    rows: pd.DataFrame, tiny_backbone: Path, tmp_path: Path, function: str
) -> None:
    hook = f"foldship.competitions.klue_re:{function}"
    settings: dict[str, Any] = {
        "augmentation": {"rows": hook, "drop_tokens": 0.1},
        "column_weights": "balanced",
    }
    found = out_of_fold(train(rows, tiny_backbone, tmp_path, losses=[{"kind": "ldam"}], **settings))
    assert np.isfinite(found[TARGETS]).all(axis=None)
    assert set(found.index) == set(rows["id"])
