"""The schedule of more models than all sets of which are fitted beforehand."""

from __future__ import annotations

import dataclasses
import itertools
import json
from pathlib import Path
from typing import Any

import exported_models
import pandas as pd
import pytest
from declared import QUEST, quest

from foldship import selection
from foldship.cli.context import Context
from foldship.cli.scheduling import schedule
from foldship.config.objective import PseudoLabels
from foldship.config.schema import Experiment
from foldship.workspace import Workspace
from foldship_kernel.manifest import Cost

MODELS = ("a", "b", "c", "d", "e")
COSTS = {name: Cost(1, 8, 16, 100.0 * (1 + place), 64) for place, name in enumerate(MODELS)}


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    workspace = Workspace(tmp_path_factory.mktemp("project"), quest.name)
    rows = exported_models.write_data(workspace.sample)
    for seed, name in enumerate(MODELS):
        exported_models.write_model(workspace.model(name), workspace.export / name, rows, 2, seed)
    models = dict.fromkeys(MODELS, exported_models.CONFIG)
    experiment = Experiment.model_validate({"competition": quest.name, "models": models})
    return Context(workspace, QUEST, experiment, "fast", workspace.sample)


@pytest.fixture
def stored(context: Context) -> Path:
    """`selection.json` as the selection leaves it."""
    oof = {
        name: pd.read_csv(path / "oof.csv", dtype={quest.id: str}) for name, path in context.models.items()
    }
    selection.run(context.truth, oof, context.workspace.selection, QUEST.rare)
    return context.workspace.selection / selection.FILE_NAME


def exported(context: Context) -> dict[str, Path]:
    return {name: context.workspace.export / name for name in MODELS}


def blends(path: Path) -> dict[frozenset[str], Any]:
    return {frozenset(blend["models"]): blend for blend in json.loads(path.read_text())["blends"]}


def test_the_blends_of_the_first_models_are_fitted_and_stored_once(
    context: Context, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = blends(stored)
    assert len(before) == len(MODELS) + 1
    made = schedule(context, exported(context), COSTS, "cpu")
    assert len(made["units"]) == 2 * len(MODELS)
    order = list(dict.fromkeys(unit["model"] for unit in made["units"]))
    after = blends(stored)
    assert set(after) == set(before) | {frozenset(order[:count]) for count in range(1, 6)}
    # As long as no model has a second fold, the score is that of the models' blend.
    first = list(itertools.takewhile(lambda unit: unit["fold"] == 0, made["units"]))
    best = 0.0
    for count, unit in enumerate(first, start=1):
        best = max(best, after[frozenset(order[:count])]["score"])
        assert unit["score"] == pytest.approx(best, abs=1e-6)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("fitted again")

    monkeypatch.setattr(selection, "fit_blend", refuse)
    content = stored.read_bytes()
    assert schedule(context, exported(context), COSTS, "cpu") == made
    assert stored.read_bytes() == content


def test_without_a_test_table_what_averaging_gains_is_not_estimated(context: Context, stored: Path) -> None:
    test = context.data / "test.csv"
    hidden = test.rename(context.data / "hidden.csv")
    try:
        made = schedule(context, exported(context), COSTS, "cpu")
    finally:
        hidden.rename(test)
    assert "none that can be read" in made["notes"][0]
    assert all(unit["seconds"] > 0 for unit in made["units"])


def test_seconds_are_the_cost_models_for_the_machine_that_the_kernel_asks_for(
    context: Context, stored: Path
) -> None:
    on = {
        accelerator: {
            unit["model"]: unit["seconds"]
            for unit in schedule(context, exported(context), COSTS, accelerator)["units"]
        }
        for accelerator in ("cpu", "gpu")
    }
    assert sorted(on["cpu"], key=lambda name: on["cpu"][name]) == list(
        MODELS
    )  # each costs more than the last
    assert all(on["gpu"][name] <= on["cpu"][name] for name in MODELS)


def test_what_a_student_learnt_from_does_not_tell_how_its_folds_differ(
    context: Context, stored: Path
) -> None:
    models = dict(context.experiment.models)
    models["b"] = models["b"].model_copy(update={"pseudo_labels": PseudoLabels(teacher="a")})
    taught = dataclasses.replace(context, experiment=context.experiment.model_copy(update={"models": models}))
    made = schedule(taught, exported(context), COSTS, "cpu")
    assert "b learnt from these by pseudo_labels" in made["notes"][0]
    assert all(model["agreement"] is None for model in made["models"].values())
