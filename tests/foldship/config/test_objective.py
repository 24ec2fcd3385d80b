from __future__ import annotations

from typing import Any

import pytest
from model_settings import config
from pydantic import ValidationError

from foldship.config.schema import Experiment, Model

HEAD = [{"train": "head", "epochs": 1, "head_lr": 1e-3}]


def experiment(**models: Model) -> Experiment:
    given = {name: model.model_dump() for name, model in models.items()}
    return Experiment.model_validate({"competition": "quest", "models": given})


def test_by_default_nothing_changes() -> None:
    plain = config()
    assert plain.losses == ()  # what is usual for the competition's targets
    assert (plain.r_drop, plain.smart, plain.pseudo_labels, plain.column_weights) == (None, None, None, {})
    assert (plain.group_mean, plain.label_smoothing, plain.sample_weights) == (0, 0, "none")


def test_settings_survive_the_card() -> None:
    model = config(
        targets="ordinal",
        losses=[{"kind": "bce"}, {"kind": "soft_spearman", "weight": 0.2, "temperature": 1}],
        column_weights={"answer_helpful": 2},
        r_drop={"weight": 2},
        smart={"steps": 2},
        pseudo_labels={"teacher": "one"},
    )
    assert Model.model_validate(model.model_dump(mode="json")) == model


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"losses": [{"kind": "hinge"}]}, "'bce', 'mse', 'l1', 'smooth_l1', 'huber', 'margin_ranking'"),
        ({"losses": [{"kind": "mse", "beta": 1}]}, r"losses\.0\.mse\.beta"),
        ({"losses": [{"kind": "soft_spearman", "temperature": 0}]}, "temperature"),
        ({"label_smoothing": 1}, "label_smoothing"),
        ({"column_weights": {"answer_helpful": -1}}, "column_weights"),
        ({"ordinal_levels": 0}, "ordinal_levels"),
        ({"r_drop": {}, "stages": HEAD}, "r_drop acts where the encoder learns"),
        ({"smart": {}, "stages": HEAD}, "smart acts where the encoder learns"),
        ({"r_drop": {}, "encoder_dropout": 0, "head": {"dropout": 0}}, "every dropout is 0"),
    ],
)
def test_an_impossible_setting_is_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        config(**settings)


@pytest.mark.parametrize("rates", [{}, {"encoder_dropout": 0}, {"head": {"dropout": 0}}])
def test_one_dropout_is_enough_for_r_drop(rates: dict[str, Any]) -> None:
    assert config(r_drop={}, **rates).r_drop is not None


def test_a_teacher_is_an_earlier_model() -> None:
    student = config(pseudo_labels={"teacher": "one"})
    assert list(experiment(one=config(), two=student).models) == ["one", "two"]
    for models in ({"two": student, "one": config()}, {"one": student}):
        with pytest.raises(ValidationError, match=r"pseudo_labels\.teacher: 'one' is no earlier model"):
            experiment(**models)


def test_a_teacher_that_was_stopped_by_held_out_labels_is_refused() -> None:
    with pytest.raises(ValidationError, match="early_stopping, which chooses by the labels of rows held out"):
        experiment(one=config(early_stopping={}), two=config(pseudo_labels={"teacher": "one"}))
    made_up = config(augmentation={"rows": "module:function"})
    with pytest.raises(ValidationError, match="made-up rows that move its targets"):
        experiment(one=made_up, two=config(pseudo_labels={"teacher": "one"}))
