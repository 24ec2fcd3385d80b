from __future__ import annotations

from pathlib import Path

import pytest

from foldship.config import load
from foldship.config.inputs import Features, Tower
from foldship.config.network import Adapter, Head
from foldship.config.schema import Experiment, Folds, Model
from foldship.config.selecting import Blending, PostProcessing
from foldship.config.stages import EarlyStopping, Stage
from foldship_kernel.errors import FoldshipError

BASE = """
competition: quest
models:
  one:
    backbone: somewhere
    towers: [{segments: [answer], max_tokens: 64}]
    stages: [{train: full, epochs: 1, encoder_lr: 1.0e-4, head_lr: 1.0e-3}]
"""


def folder(tmp_path: Path, recipe: str, base: str = BASE) -> Path:
    kernels = tmp_path / "quest"
    (kernels / "recipes").mkdir(parents=True, exist_ok=True)
    (kernels / "experiment.yaml").write_text(base)
    (kernels / "recipes" / "mine.yaml").write_text(recipe)
    return kernels


def test_a_recipe_is_merged_over_the_experiment(tmp_path: Path) -> None:
    recipe = "folds: {count: 3}\nmodels: {one: {batch_size: 4}, two: null}"
    experiment = load.load(folder(tmp_path, recipe), "mine")
    assert experiment.folds == Folds(count=3)
    assert experiment.models["one"].batch_size == 4
    assert experiment.models["one"].backbone == "somewhere"


def test_null_removes_a_model(tmp_path: Path) -> None:
    recipe = "models: {one: null}"
    with pytest.raises(FoldshipError, match=r"models: Dictionary should have at least 1 item"):
        load.load(folder(tmp_path, recipe), "mine")


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ("models: {one: {batchsize: 4}}", r"models\.one\.batchsize: Extra inputs .*\(found 4\)"),
        ("folds: {count: 1}", r"folds\.count: .*greater than or equal to 2 \(found 1\)"),
        ("models: {one: {head: {dropout: 1.5}}}", r"models\.one\.head\.dropout: .*\(found 1\.5\)"),
        ("models: {one: {stages: [{train: full, epochs: 1, head_lr: 1}]}}", "train: full needs encoder_lr"),
        (
            "models: {one: {stages: [{train: adapter, epochs: 1, head_lr: 1, encoder_lr: 1}]}}",
            "`adapter` is not set",
        ),
        ("competition: sts", "competition does not name its folder"),
        ("models: {../away: {}}", r"models\.\.\./away"),
        ("models: {folds: {}}", "cannot be named folds"),
        ("models: {one: {adapter: {rank: 4}}}", "no stage has train: adapter"),
        ("models: {one: {adapter: {layers: [1]}}}", "layers needs targets by name"),
        (
            "models: {one: {towers: [{segments: [answer], max_tokens: 9, budgets: [1, 2]}]}}",
            "2 budgets for 1",
        ),
    ],
)
def test_an_impossible_setting_is_named(tmp_path: Path, recipe: str, message: str) -> None:
    with pytest.raises(FoldshipError, match=message):
        load.load(folder(tmp_path, recipe), "mine")


def test_an_unknown_recipe_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(FoldshipError, match=r"expected: *one of: mine"):
        load.load(folder(tmp_path, ""), "other")


def test_broken_yaml_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(FoldshipError, match=r"mine\.yaml: no valid YAML"):
        load.load(folder(tmp_path, "models: [unclosed"), "mine")


@pytest.mark.parametrize("recipe", ["fast", "full", "gpu", "lora"])
def test_the_recipes_that_come_with_the_project_are_valid(root: Path, recipe: str) -> None:
    for experiment in root.glob("kernels/*/experiment.yaml"):
        assert load.load(experiment.parent, recipe).competition == experiment.parent.name


def test_every_setting_is_documented(root: Path) -> None:
    text = (root / "docs" / "configuration.md").read_text()
    for settings in (
        Adapter,
        Blending,
        EarlyStopping,
        Experiment,
        Features,
        Folds,
        Head,
        Model,
        PostProcessing,
        Stage,
        Tower,
    ):
        for key in settings.model_fields:
            shown = f"`{key}`" in text or f".{key}`" in text or f"`{key}." in text
            assert shown, f"{settings.__name__}.{key}"
