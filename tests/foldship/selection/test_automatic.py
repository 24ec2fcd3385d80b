from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from foldship import metrics, selection
from foldship.config.selecting import Blending, PostProcessing
from foldship.selection import align, automatic, blends, gate, kinds, weighting
from foldship_kernel import grouping
from foldship_kernel.blend import Blend, blend
from foldship_kernel.errors import FoldshipError

TARGETS = ["one", "two", "three"]
ROWS = 900
PROCESSING = PostProcessing(minimum_gain=0.0, leniency=9.0)
FITTED = ("rank_mean", "weighted", "greedy", "subsets", "stacking")
GROUPED = ("one", "three")


def tables(
    noise: dict[str, list[float]], lowest: int = 0
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame], pd.Series]:
    """A truth of levels up to 3, models with so much noise in each target, and groups of two rows."""
    random = np.random.default_rng(0)
    values = np.maximum(random.integers(0, 4, (ROWS, len(TARGETS))), lowest) / 3
    truth = pd.DataFrame(values, columns=TARGETS)
    truth.insert(0, "row", [str(row) for row in range(ROWS)])
    groups = pd.Series(np.arange(ROWS) // 2)
    oof = {}
    for name, levels in noise.items():
        predicted = values + np.array(levels) * random.normal(size=values.shape)
        oof[name] = truth.assign(**dict(zip(TARGETS, predicted.T, strict=True)), fold=groups % 5)
    return truth, oof, groups


ALIKE = {"a": [1.0] * 3, "b": [1.0] * 3}
ONE_BAD = {"a": [1.0] * 3, "b": [1.0] * 3, "noise": [20.0] * 3}
BY_TARGET = {"a": [0.3, 3.0, 1.0], "b": [3.0, 0.3, 1.0]}


def score(data: align.OutOfFold, prediction: np.ndarray) -> float:
    folds = [data.folds == fold for fold in np.unique(data.folds)]
    return float(np.mean([metrics.mean_spearman(data.truth[rows], prediction[rows]) for rows in folds]))


SURE = {"minimum_gain": 0.0, "confidence": 0.0}  # so that decisions are close, and turn on what they see


@pytest.mark.parametrize(
    "settings",
    [
        *(Blending(method=method) for method in FITTED),
        Blending(method="stacking", per_column=True, **SURE),
        Blending(method="auto", **SURE),
        Blending(method="auto", per_column=True, **SURE),
        Blending(method="stacking", group_mean=1.0),
    ],
    ids=lambda settings: (
        settings.method + " by column" * settings.per_column + " grouped" * bool(settings.group_mean)
    ),
)
def test_nothing_made_of_a_fold_was_fitted_on_it(settings: Blending) -> None:
    """Turning a fold's truth around changes nothing in that fold's own predictions, raw or post-processed."""
    truth, oof, groups = tables(ONE_BAD, lowest=2)
    held_out = (oof["a"]["fold"] == 2).to_numpy()
    turned = truth.copy()
    turned.loc[held_out, TARGETS] = truth.loc[held_out, TARGETS].max() - truth.loc[held_out, TARGETS]
    before, after = (
        blends.fit(data, automatic.choose(data, tuple(oof), settings).weighting, (), PROCESSING)
        for data in (align.align(table, oof, groups, GROUPED) for table in (truth, turned))
    )
    np.testing.assert_array_equal(before.raw[held_out], after.raw[held_out])
    np.testing.assert_array_equal(before.nested[held_out], after.nested[held_out])
    assert (before.nested[held_out] != before.raw[held_out]).any()
    assert before.steps != after.steps or before.weights != after.weights


def test_what_ships_is_fitted_on_what_the_kernel_makes_of_the_rows() -> None:
    data = align.align(*tables(ONE_BAD, lowest=2))
    fitted = blends.fit(
        data, weighting.fit(data, tuple(ONE_BAD), Blending(method="stacking")), (), PROCESSING
    )
    weights = {name: np.float64(share) for name, share in fitted.weights.items()}
    np.testing.assert_array_equal(fitted.table, blend(data.predictions, weights, None))
    assert (fitted.table != fitted.raw).any()
    for step in fitted.steps:
        column = TARGETS.index(step["target"])
        alone, _ = gate.fit_column(
            data.truth[:, column],
            fitted.table[:, column],
            data.folds,
            kinds.fitters(("clip",)),
            0.0,
            leniency=9.0,
        )
        assert alone == {key: value for key, value in step.items() if key != "target"}
    assert fitted.steps


@pytest.mark.parametrize("method", ["mean", "rank_mean", "stacking"])
def test_targets_of_the_group_are_its_rows_mean_once_blended(method: str) -> None:
    data = align.align(*tables(ONE_BAD), GROUPED)
    plain = automatic.choose(data, tuple(ONE_BAD), Blending(method=method)).weighting
    grouped = automatic.choose(data, tuple(ONE_BAD), Blending(method=method, group_mean=1.0)).weighting
    np.testing.assert_array_equal(grouped.weights, plain.weights)
    for found, before in ((grouped.table, plain.table), (grouped.honest, plain.honest)):
        means = pd.DataFrame(before).groupby(data.groups).transform("mean").to_numpy()
        np.testing.assert_allclose(found[:, [0, 2]], means[:, [0, 2]])
        np.testing.assert_array_equal(found[:, 1], before[:, 1])


def test_rows_held_out_in_different_folds_are_not_averaged() -> None:
    truth, oof, _ = tables(ALIKE)
    data = align.align(truth, oof, pd.Series(np.zeros(ROWS)), GROUPED)
    found = weighting.fit(data, "ab", Blending(group_mean=1.0)).table
    for fold in range(5):
        assert len(np.unique(found[data.folds == fold, 0])) == 1
    assert len(np.unique(found[:, 0])) == 5


def test_the_group_mean_needs_targets_of_the_group() -> None:
    with pytest.raises(FoldshipError, match="group_mean: in this competition no target"):
        weighting.fit(align.align(*tables(ALIKE)), "ab", Blending(group_mean=0.5))


def test_noise_is_left_out_and_that_is_taken_for_a_sure_gain() -> None:
    data = align.align(*tables(ONE_BAD))
    choice = automatic.choose(data, tuple(ONE_BAD), Blending(method="auto"))
    assert choice.settings.method in automatic.CANDIDATES
    assert choice.weighting.shares["noise"] < 0.05
    mean = weighting.fit(data, tuple(ONE_BAD), Blending())
    assert score(data, choice.weighting.honest) > score(data, mean.honest) + 0.1
    plain, *others = choice.trials
    assert (plain.method, plain.gain) == ("mean", 0)
    assert {trial.method for trial in others} == set(automatic.CANDIDATES)
    assert plain.score == pytest.approx(score(data, mean.honest))
    for trial in others:
        assert trial.gain == pytest.approx(trial.score - plain.score)


def test_where_nothing_is_to_gain_it_stays_the_mean() -> None:
    data = align.align(*tables(ALIKE))
    choice = automatic.choose(data, tuple(ALIKE), Blending(method="auto", per_column=True))
    assert choice.settings.method == "mean"
    assert not choice.settings.per_column
    assert choice.weighting.shares == {"a": 0.5, "b": 0.5}
    np.testing.assert_allclose(choice.weighting.honest, sum(data.predictions.values()) / 2)


@pytest.mark.parametrize("method", ["stacking", "auto"])
def test_targets_get_weights_of_their_own_only_where_that_pays(method: str) -> None:
    data = align.align(*tables(BY_TARGET))
    common = weighting.fit(data, "ab", Blending(method="stacking"))
    own = automatic.choose(data, "ab", Blending(method=method, per_column=True, minimum_gain=0.01)).weighting
    assert own.weights[0, 0] > 0.8
    assert own.weights[1, 1] > 0.8
    assert score(data, own.honest) > score(data, common.honest) + 0.05
    np.testing.assert_allclose(own.weights.sum(axis=0), 1)
    assert own.weights[:, 2].tolist() == [0.5, 0.5]


def test_a_constant_model_breaks_nothing() -> None:
    truth, oof, groups = tables(ALIKE)
    oof["flat"] = oof["a"].assign(**dict.fromkeys(TARGETS, 0.5))
    data = align.align(truth, oof, groups)
    for method in FITTED:
        found = weighting.fit(data, tuple(oof), Blending(method=method))
        assert np.isfinite(found.honest).all()
        assert sum(found.shares.values()) == pytest.approx(1)


def test_one_model_or_one_fold_is_the_plain_mean() -> None:
    truth, oof, groups = tables(ONE_BAD)
    data = align.align(truth, oof, groups)
    for method in (*FITTED, "auto"):
        alone = automatic.choose(data, ["noise"], Blending(method=method)).weighting
        assert (alone.shares, alone.ranks) == ({"noise": 1.0}, False)
    single = align.align(truth, {name: table[table["fold"] == 1] for name, table in oof.items()}, groups)
    assert weighting.fit(single, tuple(oof), Blending(method="greedy")).shares["noise"] == pytest.approx(
        1 / 3
    )


@pytest.mark.parametrize(
    "settings",
    [
        Blending(method="rank_mean"),
        Blending(method="stacking", ranks=True),
        Blending(method="stacking", per_column=True, minimum_gain=0.0, confidence=0.0),
        Blending(group_mean=0.5),
    ],
)
def test_the_kernel_reads_what_the_selection_wrote(settings: Blending, tmp_path: Path) -> None:
    truth, oof, groups = tables({**BY_TARGET, "c": [1.5] * 3})
    given = {"blending": settings, "groups": groups, "group_targets": GROUPED}
    selection.run(truth, oof, tmp_path, **given)
    stored = json.loads((tmp_path / selection.FILE_NAME).read_text())
    assert len(stored["blends"]) == 7
    assert Blending.model_validate(stored["blend"]) == settings
    read = [Blend.from_dict(record, stored["grids"], len(TARGETS)) for record in stored["blends"]]
    assert {blend.group_mean for blend in read} == {settings.group_mean}
    assert (read[-1].grids is not None) == (settings.ranks or settings.method == "rank_mean")
    further = selection.fit_blend(truth, oof, {"a", "c"}, **given)
    assert further in stored["blends"]
    predictions = {name: table[TARGETS].to_numpy() for name, table in oof.items()}
    whole = blend(predictions, read[-1].weights, read[-1].grids)
    places = grouping.columns(GROUPED, TARGETS, settings.group_mean)
    whole = grouping.toward_mean(whole, groups.to_numpy(), places, settings.group_mean)
    kept = pd.read_csv(tmp_path / selection.OUT_OF_FOLD)[TARGETS].to_numpy()
    assert (metrics.column_spearman(whole, kept) > 0.99).all()


def test_settings_that_contradict_are_refused() -> None:
    with pytest.raises(ValidationError, match="per_column needs weights that are fitted"):
        Blending(method="mean", per_column=True)
    with pytest.raises(ValidationError, match="rank_mean"):
        Blending(ranks=True)
