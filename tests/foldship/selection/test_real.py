"""On the out-of-fold predictions of five real models for the QUEST competition."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from declared import quest

from foldship import selection
from foldship.config import load
from foldship.config.selecting import Blending
from foldship.metrics import spearman
from foldship.selection import trial, weighting
from foldship.selection.align import align

SPELLING = "question_type_spelling"


@dataclass(frozen=True)
class Real:
    """Truth, out-of-fold predictions by model in five folds of questions, and the question of each row."""

    truth: pd.DataFrame
    oof: dict[str, pd.DataFrame]
    questions: pd.Series


@pytest.fixture(scope="module")
def real(real_data: Path) -> Real:
    train = pd.read_csv(real_data / "quest" / "train.csv", dtype={"qa_id": str})
    questions = pd.Series(pd.factorize(train["question_body"])[0])
    shuffled = np.random.default_rng(0).permutation(questions.max() + 1)
    fold_of = pd.Series(shuffled[questions] % 5, index=train["qa_id"])
    oof = {}
    for path in sorted((real_data / "quest_oof").glob("*.csv")):
        table = pd.read_csv(path, dtype={"qa_id": str})
        oof[path.stem] = table.assign(fold=table["qa_id"].map(fold_of))
    return Real(train[["qa_id", *quest.targets]], oof, questions)


@pytest.mark.real_data
def test_clipping_gains_on_folds_it_was_not_fitted_on(real: Real, tmp_path: Path) -> None:
    chosen = selection.run(real.truth, real.oof, tmp_path, (SPELLING,))
    scores = chosen.scores["without_rare"]
    assert scores["columns"] == 29
    assert scores["pooled"] == pytest.approx(0.4413, abs=1e-4)
    assert scores["nested"] - scores["raw"] > 0.024
    assert all(fold["nested_without_rare"] > fold["raw_without_rare"] for fold in chosen.folds)
    assert 5 <= len(chosen.steps) <= 20


@pytest.mark.real_data
def test_what_quest_is_set_to_do_holds_on_folds_it_was_not_fitted_on(
    root: Path, real: Real, tmp_path: Path
) -> None:
    """Blend and post-processing as in the competition's experiment: 0.4725 and 0.4683."""
    experiment = load.load(root / "kernels/quest", "fast")
    chosen = selection.run(
        real.truth,
        real.oof,
        tmp_path,
        (SPELLING,),
        processing=experiment.postprocess,
        blending=experiment.blend,
        groups=real.questions,
        group_targets=quest.group_targets,
    )
    assert chosen.scores["without_rare"]["nested"] > 0.471
    assert chosen.scores["all"]["nested"] > 0.466


@pytest.mark.real_data
def test_the_mean_over_a_questions_answers_gains_on_questions(real: Real) -> None:
    data = align(real.truth, real.oof, real.questions, quest.group_targets)
    alone = weighting.fit(data, tuple(real.oof), Blending())
    together = weighting.fit(data, tuple(real.oof), Blending(group_mean=1.0))
    gain, better = trial.Gains.of(data, alone.honest, together.honest, spearman).overall()
    assert 0 < gain < 0.001
    assert better > 0.8


@pytest.mark.real_data
def test_weights_gain_little_on_the_plain_mean_and_more_by_target(real: Real) -> None:
    """All nested: each fold blended with what was fitted on the others."""
    data, oof = align(real.truth, real.oof, real.questions), real.oof
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
