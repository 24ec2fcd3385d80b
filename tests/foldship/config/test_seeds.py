from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from foldship.config.schema import Experiment

MODEL = {
    "backbone": "somewhere",
    "towers": [{"segments": ["answer"], "max_tokens": 64}],
    "stages": [{"train": "full", "epochs": 1, "encoder_lr": 1.0e-4, "head_lr": 1.0e-3}],
}


def experiment(**models: dict[str, Any]) -> Experiment:
    return Experiment.model_validate({"competition": "quest", "models": models})


def test_a_model_per_seed() -> None:
    models = experiment(one={**MODEL, "seeds": [4, 7]}, two=MODEL).models
    assert list(models) == ["one", "one-s7", "two"]
    assert [model.seed for model in models.values()] == [4, 7, None]
    assert models["one"].model_copy(update={"seed": None}) == models["two"]


def test_what_is_written_down_can_be_read_again() -> None:
    whole = experiment(one={**MODEL, "seeds": [4, 7]})
    assert Experiment.model_validate(whole.model_dump(mode="json")) == whole


@pytest.mark.parametrize("seeds", [[], [1, 1], [1.5], 3, [True], [-1], [2**32], None])
def test_seeds_that_are_none_are_refused(seeds: Any) -> None:
    with pytest.raises(ValidationError, match=r"one\.seeds: a list of different whole numbers"):
        experiment(one={**MODEL, "seeds": seeds})


def test_seed_and_seeds_together_are_refused() -> None:
    with pytest.raises(ValidationError, match="one: give seed or seeds, not both"):
        experiment(one={**MODEL, "seeds": [1], "seed": 2})


@pytest.mark.parametrize("first", [True, False])
def test_a_name_that_is_taken_is_refused(first: bool) -> None:
    taken, many = {"one-s2": MODEL}, {"one": {**MODEL, "seeds": [1, 2]}}
    with pytest.raises(ValidationError, match=r"one\.seeds: there is a model called one-s2 already"):
        experiment(**(taken | many if first else many | taken))
