from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import exported_models
import pandas as pd
import pytest
from declared import quest

from foldship import scheduling, selection
from foldship.scheduling import probe, stage
from foldship_kernel.manifest import Cost

FOLDS = 3
COST = Cost(layers=1, width=8, intermediate=0, tokens_per_row=100.0, longest=64)
SECONDS = {"a": 1.23456, "b": 2.0}


@dataclass
class Scene:
    """Two models with three folds each."""

    root: Path
    train: pd.DataFrame
    test: pd.DataFrame

    @property
    def weights(self) -> dict[str, Path]:
        return {name: self.root / "weights" / name for name in ("a", "b")}

    def run(self, rows: pd.DataFrame | None = None, *, seen: str | None = None) -> dict[str, Any]:
        chosen = json.loads((self.root / "selection" / selection.FILE_NAME).read_text())
        blends: Mapping[frozenset[str], Any] = {frozenset(b["models"]): b for b in chosen["blends"]}
        return scheduling.run(
            {name: self.root / "export" / name for name in self.weights},
            self.weights,
            dict.fromkeys(self.weights, COST),
            SECONDS,
            self.root / "selection" / selection.FILE_NAME,
            blends.__getitem__,
            self.test if rows is None else rows,
            quest,
            self.root / "schedule",
            seen=seen,
        )


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    root = tmp_path_factory.mktemp("scene")
    train = exported_models.write_data(root / "data")
    for seed, name in enumerate(("a", "b")):
        weights, export = root / "weights" / name, root / "export" / name
        exported_models.write_model(weights, export, train, FOLDS, seed)
    oof = {name: pd.read_csv(root / "weights" / name / "oof.csv", dtype={quest.id: str}) for name in "ab"}
    selection.run(train[[quest.id, *quest.targets]], oof, root / "selection")
    return Scene(root, train, pd.concat(quest.read_test(root / "data")[0].chunks()))


def test_every_fold_is_scheduled_with_seconds_and_a_score_that_never_falls(scene: Scene) -> None:
    made = scene.run()
    units = made["units"]
    assert sorted((unit["model"], unit["fold"]) for unit in units) == [
        (name, fold) for name in "ab" for fold in range(FOLDS)
    ]
    scores = [unit["score"] for unit in units]
    assert scores == sorted(scores)
    chosen = json.loads((scene.root / "selection" / selection.FILE_NAME).read_text())
    alone = {blend["models"][0]: blend["score"] for blend in chosen["blends"] if len(blend["models"]) == 1}
    assert scores[0] == pytest.approx(alone[units[0]["model"]], abs=1e-6)
    assert scores[-1] > chosen["blends"][-1]["score"]  # six folds are better than one of each model
    assert made["rows"] == len(scene.test)
    assert made["notes"] == []
    for name, model in made["models"].items():
        assert abs(model["agreement"]) < 0.5  # the toy heads are random, each its own
        assert next(u["seconds"] for u in units if u["model"] == name) == float(f"{SECONDS[name]:.3g}")


def test_what_was_made_from_the_same_is_not_made_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    made = scene.run()
    with monkeypatch.context() as patch:
        patch.setattr(probe, "predict", None)
        assert scene.run() == made
        with pytest.raises(TypeError):
            scene.run(scene.test.iloc[::-1])


def test_the_schedule_is_the_same_when_it_is_made_anew(scene: Scene) -> None:
    scene.run()
    path = scene.root / "schedule" / scheduling.FILE_NAME
    first = path.read_bytes()
    path.unlink()
    scene.run()
    assert path.read_bytes() == first


def test_without_unseen_rows_no_fold_is_run(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "predict", None)
    assert scene.run(seen="a fold learnt from these")["rows"] == 0


@pytest.mark.parametrize("seen", [None, "a fold learnt from these"])
def test_without_enough_unseen_rows_averaging_counts_for_nothing_and_that_is_said(
    scene: Scene, seen: str | None
) -> None:
    rows = scene.test if seen else scene.test.iloc[: stage.FEWEST_ROWS - 1]
    made = scene.run(rows, seen=seen)
    assert made["rows"] == 0
    assert (seen or "there are 49") in made["notes"][0]
    chosen = json.loads((scene.root / "selection" / selection.FILE_NAME).read_text())
    assert made["units"][-1]["score"] == pytest.approx(
        max(blend["score"] for blend in chosen["blends"]), abs=1e-6
    )
    assert all(model["agreement"] is None for model in made["models"].values())


def test_of_many_rows_a_part_is_predicted(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "MOST_ROWS", 60)
    assert scene.run()["rows"] == 60
