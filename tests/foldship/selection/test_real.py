"""On the out-of-fold predictions of five real models for the QUEST competition."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foldship import selection
from foldship.config.selecting import Blending
from foldship.metrics import spearman
from foldship.selection import trial, weighting
from foldship.selection.align import align
from foldship_kernel.tasks.quest import TARGETS

SPELLING = "question_type_spelling"


@pytest.mark.real_data
def test_clipping_gains_on_folds_it_was_not_fitted_on(real_data: Path, tmp_path: Path) -> None:
    train = pd.read_csv(real_data / "quest" / "train.csv", dtype={"qa_id": str})
    questions = pd.factorize(train["question_body"])[0]
    shuffled = np.random.default_rng(0).permutation(questions.max() + 1)
    fold_of = pd.Series(shuffled[questions] % 5, index=train["qa_id"])
    tables = {
        path.stem: pd.read_csv(path, dtype={"qa_id": str})
        for path in sorted((real_data / "quest_oof").glob("*.csv"))
    }
    oof = {name: table.assign(fold=table["qa_id"].map(fold_of)) for name, table in tables.items()}
    chosen = selection.run(train[["qa_id", *TARGETS]], oof, tmp_path, (SPELLING,))
    scores = chosen.scores["without_rare"]
    assert scores["columns"] == 29
    assert scores["pooled"] == pytest.approx(0.4413, abs=1e-4)
    assert scores["nested"] - scores["raw"] > 0.024
    assert all(fold["nested_without_rare"] > fold["raw_without_rare"] for fold in chosen.folds)
    assert 5 <= len(chosen.steps) <= 20


@pytest.mark.real_data
def test_weights_gain_little_on_the_plain_mean_and_more_by_target(real_data: Path) -> None:
    """All nested: each fold blended with what was fitted on the others."""
    train = pd.read_csv(real_data / "quest" / "train.csv", dtype={"qa_id": str})
    questions = pd.Series(pd.factorize(train["question_body"])[0])
    shuffled = np.random.default_rng(0).permutation(questions.max() + 1)
    fold_of = pd.Series(shuffled[questions] % 5, index=train["qa_id"])
    oof = {}
    for path in sorted((real_data / "quest_oof").glob("*.csv")):
        table = pd.read_csv(path, dtype={"qa_id": str})
        oof[path.stem] = table.assign(fold=table["qa_id"].map(fold_of))
    data = align(train[["qa_id", *TARGETS]], oof, questions)
    mean = weighting.fit(data, tuple(oof), Blending())
    gains = {}
    for name, settings in {
        "rank_mean": Blending(method="rank_mean"),
        "stacking": Blending(method="stacking", per_column=True),
        "subsets": Blending(method="subsets"),
    }.items():
        found = weighting.fit(data, tuple(oof), settings)
        gains[name], _ = trial.Gains.of(data, mean.honest, found.honest, spearman).overall()
    assert gains["stacking"] > 0
    assert abs(gains["subsets"]) < 0.001
    assert -0.002 < gains["rank_mean"] < 0
