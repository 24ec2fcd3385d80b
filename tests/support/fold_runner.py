"""Trains two folds of a tiny model: run as a program, so that a test can kill it.

usage: fold_runner.py BACKBONE WEIGHTS TRAIN_KIND [JOBS]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from declared import quest

from foldship.config.schema import Experiment

WORDS = ("river", "lamp", "function", "guitar", "why", "how", "install", "<b>", "error", "please", "thanks")


# Kinds that are for a GPU, and what learns in them.
ON_CUDA = {"quantised": "adapter", "fastest": "full"}
FULL_STAGE = {"layer_decay": 0.8, "schedule": "inverse_sqrt", "freeze_layers": 1, "epochs": 1.5}


def rows(count: int) -> pd.DataFrame:
    """Rows with a signal: targets depend on which words stand in the text."""
    random = np.random.default_rng(5)
    texts = [
        " ".join(random.choice(WORDS, size=int(size))) for size in random.integers(3, 40, size=3 * count)
    ]
    frame = pd.DataFrame(
        {
            "qa_id": [str(number) for number in range(count)],
            "question_title": texts[:count],
            "question_body": texts[count : 2 * count],
            "answer": texts[2 * count :],
            "category": random.choice(["SCIENCE", "CULTURE"], size=count),
            "host": random.choice(["a.example", "b.example"], size=count),
        }
    )
    score = np.array([text.count("lamp") + text.count("why") for text in frame["question_body"]])
    for place, target in enumerate(quest.targets):
        frame[target] = np.clip(score / 6 + (place % 3) / 10, 0, 1)
    return frame


def experiment(backbone: Path, kind: str) -> Experiment:
    """Two towers, three stages as people train them, on a tiny encoder."""
    learns = ON_CUDA.get(kind, kind)
    encoder_stage = {"train": learns, "epochs": 2, "encoder_lr": 1e-3, "head_lr": 1e-3}
    head_stage = {"train": "head", "epochs": 1, "head_lr": 1e-3}
    model = {
        "backbone": str(backbone),
        "towers": [
            {"segments": ["question_title", "question_body"], "max_tokens": 48, "budgets": [8, None]},
            {"segments": ["question_title", "answer"], "max_tokens": 48, "chunks": 2},
        ],
        "augmentation": {"mask_tokens": 0.1, "drop_tokens": 0.1},
        "features": {"categories": ["category"], "common": ["host"], "counted": ["answer"]},
        "head": {"hidden": 16, "dropout": 0.1},
        "stages": [head_stage, encoder_stage, head_stage],
        "batch_size": 4,
        "accumulate": 2,
        "precision": "fp32",
        "checkpoints_per_epoch": 6,
        "early_stopping": {"patience": 3, "evaluations_per_epoch": 2},
        "targets": "rank",
    }
    if learns == "adapter":
        model["adapter"] = {"rank": 2, "targets": ["query", "value"], "quantise": kind == "quantised"}
    if kind in ON_CUDA:
        model["precision"] = "auto"
    if kind == "full":
        model["averaging"] = {"kind": "ema", "decay": 0.9, "start": 0.25}
        model["early_stopping"] = None
        model["stages"] = [head_stage, {**encoder_stage, **FULL_STAGE}]
    return Experiment.model_validate({"competition": "quest", "seed": 3, "models": {"tiny": model}})


def train(backbone: Path, weights: Path, kind: str, jobs: int = 1) -> None:
    from foldship.training import run  # not in the processes that import this module before they train

    data = rows(120)
    folds = pd.DataFrame(
        {
            "qa_id": data["qa_id"],
            "group": [int(value) // 3 for value in data["qa_id"]],
            "fold": [(int(value) // 3) % 2 for value in data["qa_id"]],
        }
    )
    run.run(quest, experiment(backbone, kind), data, folds, weights, jobs=jobs)


if __name__ == "__main__":
    train(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], *map(int, sys.argv[4:]))
