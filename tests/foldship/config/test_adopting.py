from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from foldship.config.adopting import Adopted
from foldship.config.inputs import Cleaning
from foldship.config.schema import Experiment


def test_texts_are_left_as_they_are_unless_something_is_said() -> None:
    assert Adopted(folds=("x",)).cleaning.raw
    assert not Adopted.model_validate({"folds": ["x"], "cleaning": {"links": "mark"}}).cleaning.raw
    stored = Adopted(folds=("x",))
    assert Adopted.model_validate(stored.model_dump(mode="json")) == stored


def test_raw_and_another_cleaning_contradict_each_other() -> None:
    with pytest.raises(ValidationError, match="remove the other keys of cleaning"):
        Cleaning(raw=True, links="mark")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"folds": []}, "at least 1 item"),
        ({"folds": ["x"], "texts": ["a", "a"]}, "texts names one more than once"),
        ({"folds": ["x"], "labels": ["a", "a"]}, "labels names one more than once"),
        ({"folds": ["x"], "output": "loss"}, "output"),
        ({"folds": ["x"], "max_tokens": 4}, "max_tokens"),
    ],
)
def test_what_cannot_be_is_refused(value: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Adopted.model_validate(value)


def test_a_name_is_given_once() -> None:
    tower = {"segments": ["a"], "max_tokens": 16}
    stage = {"train": "full", "epochs": 1, "encoder_lr": 1e-4, "head_lr": 1e-3}
    own = {"backbone": "any", "towers": [tower], "stages": [stage]}
    value = {"competition": "c", "models": {"one": own}, "adopted": {"one": {"folds": ["x"]}}}
    with pytest.raises(ValidationError, match=r"adopted\.one: there is a model called one already"):
        Experiment.model_validate(value)
    with pytest.raises(ValidationError, match="models: there is none"):
        Experiment.model_validate({"competition": "c"})
