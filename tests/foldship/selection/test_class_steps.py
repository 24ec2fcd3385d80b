"""Post-processing of classes, and votes for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foldship import selection
from foldship.config.selecting import Blending, PostProcessing
from foldship.metrics import OfClasses
from foldship.selection import class_steps, search
from foldship_kernel import blend, postprocess
from foldship_kernel.errors import BundleError, FoldshipError

CLASSES = ("none", "often", "seldom")
OFFSETS = PostProcessing(kinds=("offsets",), minimum_gain=0.005)
MACRO = OfClasses("macro_f1")


def shy(rows: int = 600, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """One-hot truth, and probabilities that tell classes apart but hardly dare to name the rare one."""
    random = np.random.default_rng(seed)
    labels = random.choice(3, rows, p=[0.6, 0.3, 0.1])
    logits = random.normal(size=(rows, 3)) + 2.5 * np.eye(3)[labels] + np.array([2.0, 1.0, -1.0])
    likely = np.exp(logits)
    return np.eye(3)[labels], likely / likely.sum(axis=1, keepdims=True)


def test_offsets_raise_the_score_on_rows_that_they_were_not_fitted_on() -> None:
    truth, table = shy()
    folds = np.arange(len(truth)) % 4
    steps, nested = class_steps.fit(truth, table, folds, OFFSETS, MACRO, dict.fromkeys(range(4), table))
    assert [step["kind"] for step in steps] == ["offsets"]
    assert steps[0]["offsets"][2] > steps[0]["offsets"][0]
    assert MACRO(truth, nested)[0] > MACRO(truth, table)[0] + 0.05
    np.testing.assert_allclose(nested.sum(axis=1), 1)


def test_what_does_not_pay_is_left_alone() -> None:
    truth, table = shy()
    certain = 0.9 * truth + 0.1 * table
    folds = np.arange(len(truth)) % 4
    for settings, given in ((OFFSETS, certain), (PostProcessing(kinds=()), table)):
        steps, nested = class_steps.fit(truth, given, folds, settings, MACRO, dict.fromkeys(range(4), given))
        assert steps == []
        np.testing.assert_array_equal(nested, given)


def test_noise_does_not_pay() -> None:
    random = np.random.default_rng(3)
    truth = np.eye(3)[random.integers(0, 3, 300)]
    table = random.dirichlet(np.ones(3), 300)
    folds = np.arange(300) % 5
    gains = PostProcessing(kinds=("offsets",), minimum_gain=0.03)
    _, nested = class_steps.fit(truth, table, folds, gains, MACRO, dict.fromkeys(range(5), table))
    assert abs(MACRO(truth, nested)[0] - MACRO(truth, table)[0]) < 0.06


def test_the_kernel_carries_the_step_out() -> None:
    step = {"kind": "offsets", "offsets": [0.0, 0.0, np.log(3.0)]}
    frame = pd.DataFrame([[0.5, 0.3, 0.2], [0.0, 1.0, 0.0]], columns=list(CLASSES))
    result, notes = postprocess.apply(frame, [step])
    assert notes == []
    np.testing.assert_allclose(result.to_numpy()[0], np.array([0.5, 0.3, 0.6]) / 1.4)
    np.testing.assert_allclose(result.to_numpy()[1], [0, 1, 0], atol=1e-9)
    for offsets in ([1.0], [0, 0, float("nan")], "none"):
        with pytest.raises(BundleError, match="cannot be applied"):
            postprocess.apply(frame, [{**step, "offsets": offsets}])


def tables(*models: np.ndarray) -> dict[str, pd.DataFrame]:
    ids = [f"row {number}" for number in range(len(models[0]))]
    frames = {}
    for number, table in enumerate(models):
        frame = pd.DataFrame(table, columns=list(CLASSES))
        frame.insert(0, "id", ids)
        frames[f"model{number}"] = frame.assign(fold=np.arange(len(table)) % 4)
    return frames


def run(truth: np.ndarray, out: Path, *models: np.ndarray, **options: object) -> selection.Selection:
    given = tables(truth, *models)
    truth_frame = given.pop("model0").drop(columns="fold")
    return selection.run(truth_frame, given, out, score=MACRO, metric="macro_f1", **options)


def test_a_selection_of_classes(tmp_path: Path) -> None:
    truth, first = shy(seed=1)
    second = 0.7 * first + 0.3 * shy(seed=1)[1][::-1]
    also = {"auprc": OfClasses("auprc")}
    found = run(truth, tmp_path, first, second, processing=OFFSETS, also=also)
    everything = found.scores["all"]
    assert everything["nested"] is not None and everything["raw"] is not None
    assert everything["nested"] > everything["raw"]
    assert found.steps[0]["kind"] == "offsets" and found.columns[2]["step"]["offset"] > 0
    assert set(found.also["auprc"]) >= {"raw", "nested", "pooled"}
    assert np.sum(found.confusion) == len(truth) and found.bands == []
    assert [sum(row) for row in found.confusion] == truth.sum(axis=0).astype(int).tolist()
    assert found.metric == "macro_f1"


def test_votes_count_choices_and_probabilities_decide_ties(tmp_path: Path) -> None:
    table = np.array([[0.4, 0.6, 0.0], [0.9, 0.1, 0.0]])
    voted = blend.votes(table)
    assert voted.argmax(axis=1).tolist() == [1, 0]
    np.testing.assert_allclose(voted.sum(axis=1), 1)
    # One against one: the surer one wins; two against one: the two win, however sure the third is.
    other = np.array([[0.95, 0.05, 0.0], [0.2, 0.8, 0.0]])
    assert (blend.votes(table) + blend.votes(other)).argmax(axis=1).tolist() == [0, 0]
    three = (
        blend.votes(table) + blend.votes(other) + blend.votes(np.array([[0.4, 0.6, 0.0], [0.4, 0.6, 0.0]]))
    )
    assert three.argmax(axis=1).tolist() == [1, 1]
    truth, first = shy(seed=1)
    found = run(
        truth,
        tmp_path,
        first,
        first[::-1].copy(),
        first,
        blending=Blending(votes="hard"),
        processing=PostProcessing(kinds=()),
    )
    assert all(entry["voting"] for entry in found.blends)
    kernel = blend.Blend.from_dict(found.blends[-1], {}, 3)
    assert kernel.voting


@pytest.mark.parametrize(
    ("blending", "processing", "message"),
    [
        (Blending(), PostProcessing(), "clip is for targets that are numbers"),
        (Blending(method="weighted", per_column=True), OFFSETS, "per_column is for targets that are numbers"),
        (Blending(method="weighted", ranks=True), OFFSETS, "ranks is for"),
        (Blending(method="rank_mean"), OFFSETS, "method: rank_mean is for"),
    ],
)
def test_settings_of_numbers_are_refused(
    tmp_path: Path, blending: Blending, processing: PostProcessing, message: str
) -> None:
    truth, first = shy(60)
    with pytest.raises(FoldshipError, match=message):
        run(truth, tmp_path, first, blending=blending, processing=processing)


def test_settings_of_classes_are_refused_for_numbers(tmp_path: Path) -> None:
    truth, first = shy(60)
    given = tables(truth, first)
    frame = given.pop("model0").drop(columns="fold")
    with pytest.raises(FoldshipError, match="offsets is for targets that are classes"):
        selection.run(frame, given, tmp_path, processing=OFFSETS)
    with pytest.raises(FoldshipError, match="votes: hard is for targets that are classes"):
        selection.run(frame, given, tmp_path, blending=Blending(votes="hard"))


def test_a_model_weighs_what_it_scores() -> None:
    models = np.zeros((3, 1, 4))

    def judge(candidates: np.ndarray) -> np.ndarray:
        return candidates.sum(axis=-1)

    models[0, 0], models[1, 0], models[2, 0] = 0.1, 0.15, -0.5
    np.testing.assert_allclose(search.by_score(models, judge, True)[:, 0], [0.4, 0.6, 0.0])
    models[:2] = -1.0
    np.testing.assert_allclose(search.by_score(models, judge, True)[:, 0], 1 / 3)
