from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foldship import selection
from foldship.config.selecting import Blending, PostProcessing
from foldship_kernel import postprocess
from foldship_kernel.errors import DataError

TARGETS = ["often", "seldom", "rare"]
ROWS = 400


@pytest.fixture
def truth() -> pd.DataFrame:
    random = np.random.default_rng(0)
    often = random.integers(0, 4, ROWS) / 3
    seldom = np.where(random.random(ROWS) < 0.8, 0.0, random.integers(1, 4, ROWS) / 3)
    rare = np.where(np.arange(ROWS) == 7, 0.5, 0.0)
    table = pd.DataFrame({"often": often, "seldom": seldom, "rare": rare})
    table.insert(0, "row", [f"0{row}" for row in range(ROWS)])
    return table


def model(truth: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Out-of-fold predictions in another row order."""
    random = np.random.default_rng(seed)
    noise = random.uniform(0, 0.3, (ROWS, len(TARGETS)))
    table = truth.assign(**(truth[TARGETS] * 0.6 + noise).to_dict("series"), fold=np.arange(ROWS) % 5)
    return table.sample(frac=1, random_state=seed)


def test_selection_is_written_and_read_back(truth: pd.DataFrame, tmp_path: Path) -> None:
    oof = {"one": model(truth, 1), "two": model(truth, 2)}
    chosen = selection.run(truth, oof, tmp_path / "out", ("rare",))
    stored = json.loads((tmp_path / "out" / selection.FILE_NAME).read_text())
    assert stored["weights"] == {"one": 0.5, "two": 0.5}
    assert stored["steps"] == list(chosen.steps)
    assert "seldom" in [step["target"] for step in chosen.steps]
    assert stored["rows"] == ROWS
    assert stored["rare"] == ["rare"]
    assert set(stored["models"]) == {"one", "two"}
    assert stored["scores"]["all"]["columns"] == 3
    assert stored["scores"]["without_rare"]["columns"] == 2
    assert stored["scores"]["without_rare"]["nested"] > stored["scores"]["without_rare"]["raw"] + 0.01
    assert [fold["fold"] for fold in stored["folds"]] == [0, 1, 2, 3, 4]
    assert stored["fallback"]["rare"]["mean"] == pytest.approx(0.5 / ROWS)
    assert stored["fallback"]["often"]["spread"] == pytest.approx(truth["often"].std(ddof=0))
    postprocess.apply(truth[TARGETS], stored["steps"])  # the kernel understands the steps

    blended = pd.read_csv(tmp_path / "out" / "oof.csv", dtype={"row": str})
    assert list(blended.columns) == ["row", *TARGETS, "fold"]
    assert list(blended["row"]) == list(truth["row"])
    expected = sum(table.set_index("row").loc[truth["row"], TARGETS] for table in oof.values()) / 2
    np.testing.assert_allclose(blended[TARGETS], expected)

    histograms = json.loads((tmp_path / "out" / selection.DISTRIBUTIONS).read_text())
    assert list(histograms) == TARGETS
    assert all(
        sum(histograms[name][kind]) == ROWS for name in TARGETS for kind in ("truth", "raw", "processed")
    )


def test_row_and_model_order_do_not_count(truth: pd.DataFrame, tmp_path: Path) -> None:
    one, two = model(truth, 1), model(truth, 2)
    selection.run(truth, {"one": one, "two": two}, tmp_path / "first")
    selection.run(truth, {"two": two.iloc[::-1], "one": one.sort_values("row")}, tmp_path / "second")
    for path in sorted((tmp_path / "first").iterdir()):
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()


def test_untrained_folds_are_left_out_and_said(truth: pd.DataFrame, tmp_path: Path) -> None:
    two = model(truth, 2)
    chosen = selection.run(truth, {"one": model(truth, 1), "two": two[two["fold"] < 2]}, tmp_path)
    assert chosen.rows == ROWS * 2 // 5
    assert "160 of 400 training rows" in chosen.notes[0]
    assert "two 0,1" in chosen.notes[0]
    assert "3 folds or more, not 2" in chosen.notes[1]
    alone = selection.run(truth, {"two": two[two["fold"] == 1]}, tmp_path)
    assert alone.steps == []
    assert "2 trained folds at least, there is 1" in alone.notes[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns="rare"), "without rare"),
        (lambda table: pd.concat([table, table.head(1)]), "more than once"),
        (lambda table: table.assign(row="x" + table["row"]), "400 other ids"),
        (lambda table: table.assign(rare=table["rare"].where(table["row"] != "07")), "rare of id 07"),
        (lambda table: table.assign(fold=table["fold"] + 1), "400 rows differ"),
        (lambda table: table.head(0), "no row was predicted"),
    ],
)
def test_predictions_that_do_not_fit_are_refused(
    truth: pd.DataFrame, tmp_path: Path, change: object, message: str
) -> None:
    assert callable(change)
    with pytest.raises(DataError, match=message) as caught:
        selection.run(truth, {"good": model(truth, 1), "wrong": change(model(truth, 2))}, tmp_path)
    assert "make train" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: pd.concat([table, table.head(1)]), "training data: ids are there more than once"),
        (lambda table: table.assign(rare=np.nan), "training data: 400 values are no finite numbers"),
    ],
)
def test_a_truth_that_cannot_be_scored_is_refused(
    truth: pd.DataFrame, tmp_path: Path, change: object, message: str
) -> None:
    assert callable(change)
    with pytest.raises(DataError, match=message):
        selection.run(change(truth), {"good": model(truth, 1)}, tmp_path)


def closeness(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Less the mean absolute error of each column: what ranks do not know."""
    return np.asarray(-np.abs(truth - prediction).mean(axis=0))


def test_another_metric_is_what_all_is_chosen_and_scored_by(truth: pd.DataFrame, tmp_path: Path) -> None:
    good, far = model(truth, 1), model(truth, 2)
    targets = list(truth.columns[1:])
    far[targets] += 5.0
    kinds = PostProcessing(kinds=("thresholds",))
    blending = Blending(method="subsets")
    found = selection.run(
        truth, {"good": good, "far": far}, tmp_path, blending=blending, processing=kinds, score=closeness
    )
    assert found.weights == {"far": 0.0, "good": 1.0}
    nested, raw = found.scores["all"]["nested"], found.scores["all"]["raw"]
    assert raw is not None and nested is not None
    both = good.set_index("row").loc[truth["row"], targets].to_numpy()
    assert found.scores["all"]["pooled"] == pytest.approx(closeness(truth[targets].to_numpy(), both).mean())
    assert nested > raw + 0.01
    assert {step["kind"] for step in found.steps} == {"cuts"}


def test_nothing_to_choose_from_is_refused(truth: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no out-of-fold predictions"):
        selection.run(truth, {}, tmp_path)
    flat = truth.assign(often=0.0, seldom=0.0, rare=0.0)
    with pytest.raises(DataError, match="no target can be scored"):
        selection.run(flat, {"one": model(truth, 1)}, tmp_path)


def test_settings_name_the_kinds_that_are_tried_and_groups_are_resampled(
    truth: pd.DataFrame, tmp_path: Path
) -> None:
    oof = {"one": model(truth, 1)}
    groups = pd.Series([f"question {row // 2}" for row in range(ROWS)])
    rounded = PostProcessing(kinds=("floor",), stability=0.5, resamples=20, resample_rows=50)
    chosen = selection.run(truth, oof, tmp_path, processing=rounded, groups=groups)
    assert {step["kind"] for step in chosen.steps} == {"floor"}
    strict = PostProcessing(minimum_gain=0.9)
    assert selection.run(truth, oof, tmp_path, processing=strict).steps == []
