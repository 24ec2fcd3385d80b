from __future__ import annotations

import inspect
from typing import Any, get_args

import pytest
from pydantic import ValidationError
from transformers import SchedulerType
from transformers.optimization import TYPE_TO_SCHEDULER_FUNCTION

from foldship.config import schedules
from foldship.config.stages import Stage


def stage(schedule: str, **options: Any) -> Stage:
    return Stage.model_validate(
        {
            "train": "full",
            "epochs": 1,
            "encoder_lr": 1e-4,
            "head_lr": 1e-3,
            "schedule": schedule,
            "schedule_options": options,
        }
    )


def test_every_schedule_of_transformers_is_there() -> None:
    names = {kind.value for kind in SchedulerType}
    assert set(get_args(schedules.Schedule)) == set(schedules.OPTIONS) == names


@pytest.mark.parametrize("name", sorted(set(schedules.OPTIONS) - {schedules.PLATEAU}))
def test_transformers_takes_the_options(name: str) -> None:
    taken = inspect.signature(TYPE_TO_SCHEDULER_FUNCTION[SchedulerType(name)]).parameters
    assert set(schedules.OPTIONS[name]) <= set(taken)
    assert name not in schedules.NEEDED or schedules.NEEDED[name] in schedules.OPTIONS[name]


@pytest.mark.parametrize(
    ("schedule", "options", "message"),
    [
        ("linear", {"num_cycles": 1}, "schedule_options.num_cycles: linear takes no options"),
        ("cosine", {"cycles": 1}, "schedule_options.cycles: cosine takes num_cycles"),
        ("cosine_with_restarts", {"num_cycles": 0}, "schedule_options.num_cycles: .*, not 0"),
        ("cosine_with_restarts", {"num_cycles": "2"}, "schedule_options.num_cycles: .*, not '2'"),
        ("cosine_with_min_lr", {}, "needs schedule_options.min_lr_rate"),
        ("cosine_with_min_lr", {"min_lr_rate": 2}, "min_lr_rate: .*less than or equal to 1"),
        ("warmup_stable_decay", {"decay_type": "cosine"}, "needs schedule_options.num_decay_steps"),
        ("no_such", {}, "schedule"),
    ],
)
def test_options_that_do_not_fit_are_named(schedule: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        stage(schedule, **options)


def test_options_that_fit_are_kept() -> None:
    assert stage("cosine", num_cycles=1).schedule_options == {"num_cycles": 1}
    assert stage("polynomial", power=2.0).schedule_options == {"power": 2.0}
    assert stage("warmup_stable_decay", num_decay_steps=9, min_lr_ratio=0.1)
