from __future__ import annotations

from pathlib import Path

import pytest

from foldship.config import load, problems
from foldship.config.inputs import Cleaning, Tower
from foldship.config.network import Adapter
from foldship.config.objective import MarginRanking
from foldship.config.schema import Experiment, Folds, Model
from foldship.config.stages import Adaptation, Averaging, Stage
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


def test_a_recipe_extends_another(tmp_path: Path) -> None:
    kernels = folder(tmp_path, "folds: {count: 3}\nseed: 7\nmodels: {one: {batch_size: 4, seed: 5}}")
    (kernels / "recipes" / "sub").mkdir()
    (kernels / "recipes" / "sub" / "more.yaml").write_text("extends: mine\nmodels: {one: {batch_size: 8}}")
    last = "extends: sub/more\nseed: 8\nmodels: {one: {seed: null}}"
    (kernels / "recipes" / "last.yaml").write_text(last)
    experiment = load.load(kernels, "last")
    assert experiment.folds.count == 3 and experiment.seed == 8
    assert experiment.models["one"].batch_size == 8 and experiment.models["one"].seed is None
    assert load.load(kernels, "sub/more").models["one"].seed == 5


@pytest.mark.parametrize(
    ("extends", "message"),
    [
        ("other", "no recipe 'other', which 'mine' extends"),
        ("mine", "in a circle\n.*mine -> mine"),
        ("[a, b]", "which 'mine' extends"),
    ],
)
def test_what_a_recipe_cannot_extend(tmp_path: Path, extends: str, message: str) -> None:
    with pytest.raises(FoldshipError, match=message):
        load.load(folder(tmp_path, f"extends: {extends}"), "mine")


def test_null_removes_a_model(tmp_path: Path) -> None:
    recipe = "models: {one: null}"
    with pytest.raises(FoldshipError, match=r"models: there is none"):
        load.load(folder(tmp_path, recipe), "mine")


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (
            "models: {one: {batchsize: 4}}",
            r"one\.batchsize: there is no such key, did you mean batch_size\? \(found 4\)",
        ),
        (
            "models: {one: {losses: [{kind: mse, wieght: 2}]}}",
            "wieght: there is no such key, did you mean weight",
        ),
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
        ("models: {one: {pooling: ['lstm@2']}}", r"there is no 'lstm@2'; there are cls, .*mean@4"),
        ("models: {one: {pooling: ['mean@top']}}", "there is no 'mean@top'"),
        ("models: {one: {pooling: ['mean@0', 'cls@0']}}", "nothing but the embeddings is read"),
        ("models: {one: {stages: [{train: ridge}]}}", "ridge fits one linear layer: set head.hidden: 0"),
        (
            "models: {one: {head: {hidden: 0}, stages: [{train: ridge}, {train: ridge}]}}",
            "ridge begins anew: it must be the first stage",
        ),
        (
            "models: {one: {head: {hidden: 0}, stages: [{train: ridge}], averaging: {kind: swa}}}",
            "ridge takes no steps",
        ),
        ("models: {one: {pooling: [median]}}", r"models\.one\.pooling\.0: .*\(found 'median'\)"),
        (
            "models: {one: {pooling: [lstm], stages: [{train: head, epochs: 1, head_lr: 1}]}}",
            "a head or ridge stage cannot come first",
        ),
        (
            "models: {one: {stages: [{train: head, epochs: 1, head_lr: 1, max_tokens: 64}]}}",
            "vectors that are computed once; remove max_tokens",
        ),
        (
            "models: {one: {stages: [{train: full, epochs: 1, encoder_lr: 1, head_lr: 1, max_tokens: 64}]}}",
            r"stages\.0\.max_tokens 64 cuts nothing: no tower has more than 64",
        ),
        ("models: {one: {head: {dropout: 1}}}", r"head\.dropout: .*less than 1"),
        ("models: {one: {stages: [{train: head, epochs: 1, head_lr: .inf}]}}", r"head_lr: .*finite number"),
        ("models: {one: {features: {counts: full}}}", "counts: full needs texts in counted or overlaps"),
        ("models: {one: {head: {per_target: true, hidden: 0}}}", "per_target needs hidden"),
        ("models: {one: {head: {samples: 4, dropout: 0}}}", "needs dropout above 0"),
        ("models: {one: {head: {samples: 0}}}", r"head\.samples: .*\(found 0\)"),
        ("models: {one: {head: {interactions: true}}}", "head.interactions needs two towers"),
        ("models: {one: {head: {views: {a: [1]}}}}", r"head\.views\.a: towers are numbered 0 to 0"),
        ("models: {one: {head: {views: {a: []}}}}", r"head\.views\.a: .*at least 1 item"),
        ("models: {one: {head: {views: {a: [0, 0]}}}}", r"views\.a names a tower twice"),
        ("models: {one: {features: {embedding: 4}}}", "embedding needs columns"),
        (
            "models: {one: {towers: [{segments: [answer], max_tokens: 9, chunks: 17}]}}",
            r"towers\.0\.chunks: .*less than or equal to 16",
        ),
        (
            "models: {one: {towers: [{segments: [answer], max_tokens: 9, stride: 4}]}}",
            r"towers\.0: .*stride is the distance of windows, but chunks is 1",
        ),
        (
            "models: {one: {towers: [{segments: [answer], max_tokens: 9, chunks: 2, stride: 10}]}}",
            "stride 10 is above max_tokens 9",
        ),
        (
            "models: {one: {towers: [{segments: [answer], max_tokens: 9, chunks: 2, budgets: [0]}]}}",
            "its budget is 0",
        ),
        ("models: {one: {cleaning: {math: host}}}", r"cleaning\.math: .*'keep' or 'mark'"),
        ("models: {one: {features: {counts: all}}}", r"features\.counts: .*'basic', 'full' or 'style'"),
        ("models: {one: {augmentation: {drop_tokens: 2}}}", r"augmentation\.drop_tokens: .*\(found 2\)"),
        ("models: {one: {augmentation: {rows: mine.py}}}", r"augmentation\.rows: .*pattern"),
        (
            "models: {one: {augmentation: {drop_tokens: 0.5}, "
            "stages: [{train: head, epochs: 1, head_lr: 1}]}}",
            "every stage has train: head",
        ),
    ],
)
def test_an_impossible_setting_is_named(tmp_path: Path, recipe: str, message: str) -> None:
    with pytest.raises(FoldshipError, match=message):
        load.load(folder(tmp_path, recipe), "mine")


def test_settings_of_before_windows_and_cleaning_are_valid_and_change_nothing() -> None:
    stages = [{"train": "head", "epochs": 1, "head_lr": 1e-3}]
    value = {"backbone": "x", "towers": [{"segments": ["answer"], "max_tokens": 64}], "stages": stages}
    model = Model.model_validate(value)
    assert model.towers[0].chunks == 1
    assert model.cleaning == Cleaning(links="keep", math="keep", code="keep", markup=False)
    assert model.features.counts == "basic"
    assert not model.augmentation.of_tokens and model.augmentation.rows is None


def test_an_unknown_recipe_names_those_there_are(tmp_path: Path) -> None:
    ideas = folder(tmp_path, "") / "recipes/ideas"
    ideas.mkdir()
    (ideas / "one.yaml").touch()
    with pytest.raises(FoldshipError, match=r"expected: *one of: mine, ideas/\*"):
        load.load(ideas.parent.parent, "other")


def test_broken_yaml_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(FoldshipError, match=r"mine\.yaml: no valid YAML"):
        load.load(folder(tmp_path, "models: [unclosed"), "mine")


@pytest.mark.parametrize("recipe", ["fast", "full", "gpu", "lora"])
def test_the_recipes_that_come_with_the_project_are_valid(root: Path, recipe: str) -> None:
    for experiment in root.glob("kernels/*/experiment.yaml"):
        assert load.load(experiment.parent, recipe).competition == experiment.parent.name


def test_every_setting_is_documented(root: Path) -> None:
    text = (root / "docs" / "configuration.md").read_text()
    every = problems.parts(Experiment)
    assert {Adaptation, Adapter, Averaging, MarginRanking, Stage, Tower} <= set(every)
    for settings in every:
        for key in settings.model_fields:
            shown = f"`{key}`" in text or f".{key}`" in text or f"`{key}." in text
            assert shown, f"{settings.__name__}.{key}"
