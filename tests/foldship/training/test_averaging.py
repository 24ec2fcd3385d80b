from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from foldship.config.stages import Averaging
from foldship.training.averaging import Average

STEPS = 10


def layer() -> nn.Linear:
    built = nn.Linear(1, 1)
    built.bias.requires_grad_(False)
    return built


def play(average: Average, model: nn.Linear, steps: range) -> None:
    """Steps of a training in which the weight is the step's number."""
    for step in steps:
        with torch.no_grad():
            model.weight.fill_(step)
            model.bias.fill_(step)
        state: Any = SimpleNamespace(global_step=step, max_steps=STEPS)
        average.on_step_end(None, state, None)  # type: ignore[arg-type]


def save(average: Average, folder: Path, step: int) -> Path:
    checkpoint = folder / f"checkpoint-{step}"
    checkpoint.mkdir()
    arguments: Any = SimpleNamespace(output_dir=str(folder))
    average.on_save(arguments, SimpleNamespace(global_step=step), None)  # type: ignore[arg-type]
    return checkpoint


@pytest.mark.parametrize(
    ("start", "every", "sampled"),
    [
        (0.0, 1, range(1, 11)),
        (0.5, 1, range(5, 11)),
        (0.75, 2, (8, 10)),
        (1.0, 1, (10,)),
        (0.2, 3, (2, 5, 8)),
    ],
)
def test_swa_is_the_mean_of_the_samples(start: float, every: int, sampled: Any) -> None:
    model = layer()
    average = Average(Averaging(kind="swa", start=start, every=every), model)
    play(average, model, range(1, STEPS + 1))
    average.apply()
    assert model.weight.item() == pytest.approx(np.mean(sampled))
    assert model.bias.item() == STEPS  # it does not learn


def test_ema_weighs_later_steps_more_and_does_not_hang_on_to_the_first() -> None:
    model = layer()
    average = Average(Averaging(kind="ema", decay=0.3), model)
    play(average, model, range(1, STEPS + 1))
    expected = 1.0
    for number, step in enumerate(range(2, STEPS + 1), start=1):
        decay = min(0.3, (1 + number) / (10 + number))
        expected = decay * expected + (1 - decay) * step
    with average.applied():
        assert model.weight.item() == pytest.approx(expected)
    assert model.weight.item() == STEPS


def test_before_the_first_sample_the_weights_stay() -> None:
    model = layer()
    average = Average(Averaging(kind="swa", start=0.9), model)
    play(average, model, range(1, 5))
    with average.applied():
        assert model.weight.item() == 4


@pytest.mark.parametrize("kind", ["ema", "swa"])
@pytest.mark.parametrize("cut", [2, 5, 8])
def test_a_resumed_average_is_that_of_an_uninterrupted_run(kind: Any, cut: int, tmp_path: Path) -> None:
    config = Averaging(kind=kind, decay=0.9, start=0.3, every=2)
    whole_model = layer()
    whole = Average(config, whole_model)
    play(whole, whole_model, range(1, STEPS + 1))
    model = layer()
    first = Average(config, model)
    play(first, model, range(1, cut + 1))
    resumed = Average(config, model, save(first, tmp_path, cut))
    play(resumed, model, range(cut + 1, STEPS + 1))
    resumed.apply()
    whole.apply()
    assert model.weight.item() == whole_model.weight.item()
