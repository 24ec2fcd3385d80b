"""Frozen layers run once: the same training, for less."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import fold_runner
import numpy as np
import pandas as pd
import pytest
from declared import quest
from numpy.typing import NDArray

from foldship.config.schema import Experiment, Model
from foldship.modelling import store
from foldship.training import fold as folds
from foldship.training import frozen_states, run
from foldship.training.frozen_states import FrozenStates
from foldship_kernel.encoded import EncodedRows, ends

HEAD = {"train": "head", "epochs": 1, "head_lr": 1e-2}
FULL = {"train": "full", "epochs": 1, "encoder_lr": 1e-3, "head_lr": 1e-2, "freeze_layers": 1}
SETTINGS = {"augmentation": {}, "averaging": None, "encoder_dropout": 0.0, "early_stopping": None}
ROWS = EncodedRows(
    tokens=np.arange(5, 17, dtype=np.uint16),
    offsets=ends(np.array([3, 7, 2])),
    boundaries=np.array([1, 2, 1], dtype=np.int32),
    index=np.array([[0, 1], [0, 2]]),
)


def model(backbone: Path, **settings: Any) -> Model:
    given = fold_runner.experiment(backbone, "full").models["tiny"].model_dump()
    return Model.model_validate({**given, **SETTINGS, "stages": [HEAD, FULL], **settings})


def train(backbone: Path, weights: Path, **settings: Any) -> pd.DataFrame:
    """Out-of-fold predictions of two folds of 24 rows."""
    data = fold_runner.rows(24)
    table = pd.DataFrame({"qa_id": data["qa_id"], "group": range(24), "fold": [row % 2 for row in range(24)]})
    experiment = Experiment.model_validate(
        {"competition": "quest", "seed": 3, "models": {"tiny": model(backbone, **settings)}}
    )
    (folder,) = run.run(quest, experiment, data, table, weights, jobs=1)
    return pd.read_csv(folder / "oof.csv")


@pytest.mark.parametrize("pooling", [["cls", "mean"], ["mean@1", "cls@2"]])
def test_training_on_kept_states_is_training_on_tokens(
    pooling: list[str], tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    pad = FrozenStates.pad

    def counted(
        self: FrozenStates, sequences: NDArray[np.int64], lengths: NDArray[np.int64]
    ) -> dict[str, Any]:
        read.append(len(sequences))
        return pad(self, sequences, lengths)

    monkeypatch.setattr(FrozenStates, "pad", counted)
    kept = train(tiny_backbone, tmp_path / "kept", pooling=pooling)
    assert read
    assert not (tmp_path / "kept" / store.FROZEN).exists()
    read.clear()
    monkeypatch.setattr(frozen_states, "depth", lambda config, number: 0)
    plain = train(tiny_backbone, tmp_path / "plain", pooling=pooling)
    assert not read
    targets = list(quest.targets)
    assert (kept["fold"] == plain["fold"]).all()
    np.testing.assert_allclose(kept[targets], plain[targets], atol=2e-3)  # float16
    assert kept[targets].std().median() > 1e-2


@pytest.mark.parametrize(
    ("settings", "stage", "expected"),
    [
        ({}, 0, 0),
        ({}, 1, 1),
        ({"stages": [FULL, HEAD, FULL]}, 2, 1),
        ({"stages": [{**FULL, "freeze_layers": 0}, FULL]}, 1, 0),
        ({"stages": [{**FULL, "freeze_layers": 2}, FULL]}, 1, 1),
        ({"stages": [{**FULL, "max_tokens": 16}]}, 0, 0),
        ({"augmentation": {"mask_tokens": 0.1}}, 1, 0),
        ({"smart": {"weight": 1.0}}, 1, 0),
        ({"pooling": ["cls", "layers_cls"]}, 1, 0),
        ({"pooling": ["cls", "mean@0"]}, 1, 0),
        ({"pooling": ["cls", "mean@1"]}, 1, 1),
    ],
)
def test_layers_that_a_stage_finds_changed_or_fed_with_noise_are_run(
    tiny_backbone: Path, settings: dict[str, Any], stage: int, expected: int
) -> None:
    assert frozen_states.depth(model(tiny_backbone, **settings), stage) == expected


def test_states_are_padded_as_tokens_are() -> None:
    values = np.arange(24, dtype=np.float16).reshape(12, 2)
    states = FrozenStates(values, ROWS.offsets[:-1], depth=4).take(np.array([2, 1]))
    inputs = states.pad(np.array([1, 0]), np.array([7, 2]))
    np.testing.assert_array_equal(inputs["states"][0], values[3:10])
    np.testing.assert_array_equal(inputs["states"][1, :2], values[10:])
    assert not inputs["states"][1, 2:].any()
    assert inputs["attention_mask"].sum(1).tolist() == [7, 2]
    assert inputs["depth"] == 4


@pytest.fixture
def card(tiny_backbone: Path, tmp_path: Path) -> store.ModelCard:
    train(tiny_backbone, tmp_path / "weights")
    return store.load_card(tmp_path / "weights" / "tiny")


def test_states_are_computed_once_for_all_that_read_the_same(
    card: store.ModelCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = frozen_states.compute(tmp_path, card, folds.build(card), ROWS, 1)
    assert first is not None
    written = first.stat().st_mtime_ns
    assert frozen_states.compute(tmp_path, card, folds.build(card), ROWS, 1) == first
    assert first.stat().st_mtime_ns == written
    other = EncodedRows(ROWS.tokens[::-1], ROWS.offsets, ROWS.boundaries, ROWS.index)
    assert frozen_states.compute(tmp_path, card, folds.build(card), other, 1) != first
    frozen_states.clear(tmp_path)
    assert not first.exists()


def test_without_room_on_the_disk_layers_are_run(
    card: store.ModelCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=frozen_states.SPARE)
    monkeypatch.setattr(frozen_states.shutil, "disk_usage", lambda path: usage)
    assert frozen_states.compute(tmp_path, card, folds.build(card), ROWS, 1) is None


def test_states_beyond_float16_are_not_kept(card: store.ModelCard, tmp_path: Path) -> None:
    network = folds.build(card)
    encoder: Any = network.encoder.backbone
    encoder.encoder.layer[0].output.LayerNorm.weight.data *= 1e6
    assert frozen_states.compute(tmp_path, card, network, ROWS, 1) is None
    assert not [path for path in (tmp_path / store.FROZEN).iterdir() if path.suffix == ".npy"]
