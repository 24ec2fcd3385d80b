"""A model that reads through windows, cleans and counts: from training to the graphs that the kernel runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fold_runner
import numpy as np
import pandas as pd
import pytest
import torch
from declared import quest

from foldship import export
from foldship.config.schema import Experiment
from foldship.modelling import predict, reading, store
from foldship.training import run
from foldship.training.data import Collator, RowData
from foldship_kernel.encoded import EncodedRows
from foldship_kernel.fold import Fold
from foldship_kernel.intake import Intake, Reading
from foldship_kernel.rows import FrameRows
from foldship_kernel.sharding import Shards

TARGETS = list(quest.targets)


@dataclass(frozen=True)
class Trained:
    folder: Path
    rows: pd.DataFrame
    encoded: EncodedRows
    features: np.ndarray


def experiment(backbone: Path) -> Experiment:
    value: dict[str, Any] = fold_runner.experiment(backbone, "full").model_dump(mode="json")
    value["models"]["tiny"] |= {
        "towers": [
            {"segments": ["question_title", "question_body"], "max_tokens": 24, "chunks": 3, "stride": 10},
            {"segments": ["question_title", "answer"], "max_tokens": 24, "budgets": [6, None], "chunks": 4},
        ],
        "cleaning": {"links": "host", "code": "mark", "markup": True},
        "features": {"counted": ["answer"], "overlaps": [["question_title", "answer"]], "counts": "full"},
        "augmentation": {"mask_tokens": 0.1, "drop_tokens": 0.1, "rows": "further_rows:swapped"},
        "stages": [
            {"train": "head", "epochs": 1, "head_lr": 1e-3},
            {"train": "full", "epochs": 1, "head_lr": 1e-3, "encoder_lr": 1e-3},
        ],
        "early_stopping": None,
    }
    return Experiment.model_validate(value)


@pytest.fixture(scope="module")
def trained(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    rows = fold_runner.rows(40)
    rows["answer"] += " see https://www.example.org/a/b <p>"
    group = [int(value) // 3 for value in rows["qa_id"]]
    folds = pd.DataFrame({"qa_id": rows["qa_id"], "group": group, "fold": [g % 2 for g in group]})
    weights = tmp_path_factory.mktemp("weights") / "quest"
    (folder,) = run.run(quest, experiment(tiny_backbone), rows, folds, weights)
    card = store.load_card(folder)
    encoded, features = reading.read_rows(rows, quest, folder / store.TOKENIZER, card.encoding, card.features)
    return Trained(folder, rows, encoded, features)


def test_some_rows_have_several_readings(trained: Trained) -> None:
    readings = trained.encoded.readings
    assert {1, 3} <= set(readings.tolist())
    assert len(trained.encoded) == len(trained.rows) < len(trained.encoded.index)


def test_training_and_prediction_average_the_same_logits(trained: Trained) -> None:
    card, model = store.load_card(trained.folder), store.load_fold(trained.folder, 0)
    targets = trained.rows[TARGETS].to_numpy(np.float32)
    data = RowData(trained.encoded, trained.features, targets, np.arange(len(targets)))
    batch = Collator(data, card.encoding)(range(40))
    del batch["labels"]
    with torch.inference_mode():
        in_training = model(**batch).numpy()
    vectors = predict.encode(model, trained.encoded, card.encoding)
    predicted = predict.logits(model, vectors, trained.encoded, trained.features)
    np.testing.assert_allclose(in_training, predicted, atol=1e-5)


def test_gradients_reach_every_reading(trained: Trained) -> None:
    card, model = store.load_card(trained.folder), store.load_fold(trained.folder, 0)
    row = int(np.argmax(trained.encoded.readings))
    data = RowData(trained.encoded, trained.features, np.zeros((40, len(TARGETS)), np.float32), np.arange(40))
    batch = Collator(data, card.encoding)([row])
    pooled = model.encoder(**batch["parts"][0]).detach().requires_grad_()
    model(batch["index"], batch["features"], pooled=pooled, readings=batch["readings"]).sum().backward()
    assert pooled.grad is not None
    assert (pooled.grad.abs().sum(dim=1) > 0).all()


def test_the_kernel_predicts_what_the_folds_predicted_of_the_rows_held_out(
    trained: Trained, tmp_path: Path
) -> None:
    out = tmp_path / "tiny"
    chosen = reading.of_all_lengths(trained.encoded, 16)
    export.run(trained.folder, [0, 1], trained.encoded.take(chosen), trained.features[chosen], out)
    card = store.load_card(trained.folder)
    oof = pd.read_csv(trained.folder / "oof.csv", dtype={"qa_id": str}).set_index("qa_id")
    of_model = Reading(trained.folder / store.TOKENIZER, card.encoding, card.features)
    intake = Intake(quest, FrameRows(trained.rows, quest.id), [of_model])
    shards = Shards(intake, of_model, 7)
    assert len(shards.rows) > 1
    for entry in json.loads((out / "export.json").read_text())["folds"]:
        paths = [out / entry[name] for name in ("encoder", "encoder_cpu", "head")]
        fold = Fold(*paths, gpus=0)
        outputs = np.empty((len(trained.rows), len(TARGETS)))
        for number, rows in enumerate(shards.rows):
            logits = fold.predict(shards.encode(number), intake.features(of_model)[rows], card.encoding)
            outputs[rows] = quest.outputs(logits)
        expected = oof.loc[trained.rows["qa_id"]]
        held_out = (expected["fold"] == entry["fold"]).to_numpy()
        difference = np.abs(outputs - expected[TARGETS].to_numpy())
        assert difference[held_out].max() < 3e-3
        assert difference[~held_out].max() > 3e-3
