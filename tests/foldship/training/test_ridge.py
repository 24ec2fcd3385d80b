"""A head in closed form: the optimum, with a penalty that suits each output."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import fold_runner
import in_torch
import numpy as np
import pandas as pd
import pytest
from declared import quest
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.linear_model import Ridge

from foldship.config.schema import Experiment
from foldship.modelling import predict, reading, store
from foldship.training import ridge, run
from foldship_kernel.errors import FoldshipError
from foldship_kernel.tasks import CLASSES

STAGE = {"train": "ridge", "penalties": [0.01, 0.1, 1.0, 10.0]}
SETTINGS = {
    "pooling": ["mean", "mean@1", "mean@0"],
    "head": {"hidden": 0},
    "augmentation": {},
    "averaging": None,
    "early_stopping": None,
}


def rows(number: int, width: int, outputs: int = 2) -> tuple[NDArray[np.float64], ...]:
    """Inputs, targets that depend on them, how little each input is penalised, and weights of the rows."""
    random = np.random.default_rng(number)
    inputs = random.normal(size=(number, width)) + 3
    targets = inputs @ random.normal(size=(width, outputs)) / width + random.normal(size=(number, outputs))
    return inputs, targets, random.random(width) + 0.5, random.random(number) + 0.5


@pytest.mark.parametrize(("number", "width"), [(60, 5), (12, 40)])
def test_it_is_the_ridge_regression_of_scikit_learn(number: int, width: int) -> None:
    inputs, targets, favour, weights = rows(number, width)
    found = ridge.fit(inputs, targets, favour, [0.3], groups=np.arange(number), weights=weights, seed=0)
    theirs = Ridge(alpha=0.3 * weights.sum()).fit(inputs * favour, targets, sample_weight=weights)
    np.testing.assert_allclose(found.coefficients, theirs.coef_ * favour, atol=1e-8)
    np.testing.assert_allclose(found.intercepts, theirs.intercept_, atol=1e-7)


def test_what_is_noise_is_penalised_more_than_what_is_not() -> None:
    random = np.random.default_rng(0)
    inputs = random.normal(size=(200, 30))
    targets = np.stack([inputs[:, 0], random.normal(size=200)], axis=1)
    found = ridge.fit(
        inputs,
        targets,
        np.ones(30),
        [1e-3, 1e-1, 10.0],
        groups=np.arange(200),
        weights=np.ones(200),
        seed=0,
    )
    assert found.penalties.tolist() == [1e-3, 10.0]
    assert abs(found.coefficients[1]).max() < 0.05 < 0.95 < found.coefficients[0, 0]


def test_penalties_are_chosen_on_groups_that_were_not_learnt_from() -> None:
    """A group's rows are alike: held out one by one, learning them by heart would seem to pay."""
    random = np.random.default_rng(1)
    groups = np.repeat(np.arange(40), 5)
    inputs = random.normal(size=(40, 30))[groups]
    targets = random.normal(size=40)[groups][:, None]
    options = {"penalties": [1e-6, 100.0], "weights": np.ones(200), "seed": 0}
    grouped = ridge.fit(inputs, targets, np.ones(30), groups=groups, **options)
    assert grouped.penalties.tolist() == [100.0]
    alone = ridge.fit(inputs, targets, np.ones(30), groups=np.arange(200), **options)
    assert alone.penalties.tolist() == [1e-6]


def test_an_input_without_favour_is_left_out() -> None:
    inputs, targets, favour, weights = rows(30, 4)
    inputs[:, 2] = 7.0
    favour[2] = 0.0
    found = ridge.fit(inputs, targets, favour, [0.1], groups=np.arange(30), weights=weights, seed=0)
    assert not found.coefficients[:, 2].any()
    assert np.isfinite(found.intercepts).all()


def train(backbone: Path, weights: Path, **settings: Any) -> Path:
    """Train two folds on 60 rows; returns the model's folder."""
    given = fold_runner.experiment(backbone, "full").models["tiny"].model_dump()
    models = {"tiny": {**given, **SETTINGS, "stages": [STAGE], **settings}}
    data = fold_runner.rows(60)
    table = pd.DataFrame({"qa_id": data["qa_id"], "group": range(60), "fold": [row % 2 for row in range(60)]})
    experiment = Experiment.model_validate({"competition": "quest", "seed": 3, "models": models})
    return run.run(quest, experiment, data, table, weights, jobs=1)[0]


def test_a_fold_predicts_rows_that_it_has_not_seen(tiny_backbone: Path, tmp_path: Path) -> None:
    folder = train(tiny_backbone, tmp_path)
    found, truth = pd.read_csv(folder / "oof.csv", dtype={"qa_id": str}), fold_runner.rows(60)
    scores = [
        spearmanr(found[target][found["fold"] == fold], truth[target][found["fold"] == fold]).statistic
        for target in quest.targets[:5]
        for fold in (0, 1)
    ]
    assert np.mean(scores) > 0.5
    data = truth[truth["qa_id"].isin(found["qa_id"][found["fold"] == 0])]
    shipped = in_torch.outputs(store.load_fold(folder, 0), folder, data)
    np.testing.assert_allclose(found[list(quest.targets)][found["fold"] == 0], shipped, atol=1e-5)
    assert not (folder / "frozen-vectors.npy").exists()


@pytest.mark.parametrize("targets", ["rank", "ordinal"])
def test_a_further_stage_goes_on_from_it(tiny_backbone: Path, tmp_path: Path, targets: Any) -> None:
    nearly_none = {"train": "head", "epochs": 1, "head_lr": 1e-12, "warmup": 0.0}
    alone = train(tiny_backbone, tmp_path / "alone", targets=targets)
    further = train(tiny_backbone, tmp_path / "further", targets=targets, stages=[STAGE, nearly_none])
    columns = list(quest.targets)
    one, other = (pd.read_csv(folder / "oof.csv")[columns] for folder in (alone, further))
    np.testing.assert_allclose(one, other, atol=1e-5)
    assert one.std().median() > 1e-2


def test_rows_are_fitted_on_the_mean_of_their_readings(tiny_backbone: Path, tmp_path: Path) -> None:
    """With a penalty of nearly 0 and as many numbers as rows, the training rows are learnt by heart."""
    stage = {"train": "ridge", "penalties": [1e-9]}
    towers = [{"segments": ["question_body"], "max_tokens": 12, "chunks": 4}]
    folder = train(tiny_backbone, tmp_path, stages=[stage], towers=towers, targets="plain", features={})
    card, data = store.load_card(folder), fold_runner.rows(60)
    encoded, features = reading.read_rows(data, quest, folder / store.TOKENIZER, card.encoding, card.features)
    assert encoded.owner is not None
    model = store.load_fold(folder, 0)
    vectors = predict.encode(model, encoded, card.encoding)
    logits = predict.logits(model, vectors, encoded, features)
    learnt = data[list(quest.targets)].to_numpy()[1::2]  # fold 0 learns from the rows of fold 1
    np.testing.assert_allclose(logits[1::2] / 4 + 0.5, learnt, atol=0.02)


def test_classes_are_refused(tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "quest", replace(quest, kind=CLASSES))
    with pytest.raises(FoldshipError, match="train: ridge does not fit quest"):
        train(tiny_backbone, tmp_path)


def test_a_layer_that_the_backbone_does_not_have_is_refused(tiny_backbone: Path, tmp_path: Path) -> None:
    with pytest.raises(FoldshipError, match="mean@3 reads a layer that the backbone does not have"):
        train(tiny_backbone, tmp_path, pooling=["mean@3"])
