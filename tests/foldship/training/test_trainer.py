from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import SequentialSampler
from transformers import TrainingArguments

from foldship.config.schema import Model
from foldship.config.stages import EarlyStopping
from foldship.training.trainer import (
    SCORE,
    WHOLE,
    Best,
    KeepBest,
    SampledTrainer,
    last_whole_checkpoint,
    trainer_options,
)

ARGUMENTS: Any = SimpleNamespace(eval_steps=10)


def evaluate(scores: dict[int, float], best: Best, patience: int) -> tuple[Best, int | None]:
    """Play evaluations by step; returns the best that was kept and the step at which training stopped."""
    kept = [best]
    callback = KeepBest(EarlyStopping(patience=patience), lambda _, found: kept.append(found), best)
    for step, score in scores.items():
        control: Any = SimpleNamespace(should_training_stop=False)
        state: Any = SimpleNamespace(global_step=step)
        callback.on_evaluate(ARGUMENTS, state, control, metrics={SCORE: score}, model=None)
        if control.should_training_stop:
            return kept[-1], step
    return kept[-1], None


@pytest.mark.parametrize(("patience", "stop"), [(1, 30), (2, 40), (3, None)])
def test_training_stops_after_so_many_evaluations_without_a_better_one(
    patience: int, stop: int | None
) -> None:
    scores = {10: 0.1, 20: 0.3, 30: 0.2, 40: 0.25}
    assert evaluate(scores, Best(), patience) == (Best(0.3, 20), stop)


@pytest.mark.parametrize("patience", [1, 2])
@pytest.mark.parametrize("resumed_from", [0, 10, 20, 30])
def test_a_resumed_run_stops_where_an_uninterrupted_one_does(patience: int, resumed_from: int) -> None:
    scores = {10: 0.1, 20: 0.3, 30: 0.2, 40: 0.25, 50: 0.1}
    whole = evaluate(scores, Best(), patience)
    before = {step: score for step, score in scores.items() if step <= 30 and step <= (whole[1] or 50)}
    kept, _ = evaluate(before, Best(), 99)
    after = {step: score for step, score in scores.items() if step > resumed_from}
    stopping = KeepBest(EarlyStopping(patience=patience), lambda *_: None, kept)
    stopped = whole[1] is not None and resumed_from >= whole[1]
    assert stopping.has_stopped(resumed_from, 10) == stopped
    if not stopped:
        assert evaluate(after, kept, patience) == whole


def test_a_score_that_is_no_number_stops_nothing() -> None:
    assert evaluate(dict.fromkeys(range(10, 90, 10), math.nan), Best(), 1) == (Best(), None)
    assert evaluate({10: math.nan, 20: 0.1, 30: math.nan, 40: math.nan}, Best(), 2) == (Best(0.1, 20), 40)


def test_a_stage_ends_at_its_last_step_whatever_its_score(tmp_path: Path) -> None:
    class Regression(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(1, 1)

        def forward(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
            return {"loss": ((self.layer(x) - labels) ** 2).mean()}

    class Falling(SampledTrainer):
        def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
            scores = {SCORE: -float(self.state.global_step)}
            self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, scores)
            return scores

    arguments = TrainingArguments(
        output_dir=str(tmp_path),
        num_train_epochs=1.5,
        per_device_train_batch_size=1,
        eval_strategy="steps",
        eval_steps=8,
        use_cpu=True,
        report_to=[],
    )
    rows = [{"x": torch.ones(1), "labels": torch.ones(1)} for _ in range(8)]
    stopping = KeepBest(EarlyStopping(patience=9), lambda *_: None, Best())
    trainer = Falling(
        sampler=SequentialSampler(rows),
        args=arguments,
        model=Regression(),
        train_dataset=rows,
        eval_dataset=rows,
        callbacks=[stopping],
    )
    trainer.train()
    assert trainer.state.global_step == trainer.state.max_steps == 12


def test_each_training_computes_in_its_own_precision(tmp_path: Path) -> None:
    stage = {"train": "full", "epochs": 1, "encoder_lr": 1e-4, "head_lr": 1e-3}
    towers = [{"segments": ["question_title"], "max_tokens": 64}]
    computed = []
    for precision in ("bf16", "fp32"):
        model = {"backbone": "any", "towers": towers, "stages": [stage], "precision": precision}
        arguments = TrainingArguments(
            output_dir=str(tmp_path), report_to=[], **trainer_options(Model.model_validate(model))
        )
        trainer = SampledTrainer(sampler=SequentialSampler([0]), args=arguments, model=nn.Linear(1, 1))
        computed.append(trainer.accelerator.mixed_precision)
    assert computed == ["bf16", "no"]


def test_the_last_step_is_evaluated_whatever_the_rhythm() -> None:
    stopping = KeepBest(EarlyStopping(), lambda *_: None, Best())
    for step, wanted in ((99, False), (100, True)):
        control: Any = SimpleNamespace(should_evaluate=False)
        state: Any = SimpleNamespace(global_step=step, max_steps=100)
        stopping.on_step_end(ARGUMENTS, state, control)
        assert control.should_evaluate == wanted


def test_of_two_gpus_one_is_used(tmp_path: Path) -> None:
    arguments = TrainingArguments(output_dir=str(tmp_path), use_cpu=True, report_to=[])
    assert arguments.n_gpu < 2  # settles it
    arguments._n_gpu = 2
    SampledTrainer(sampler=SequentialSampler([0]), args=arguments, model=nn.Linear(1, 1))
    assert arguments.n_gpu == 1


def test_only_a_checkpoint_that_was_written_to_its_end_is_gone_on_from(tmp_path: Path) -> None:
    assert last_whole_checkpoint(tmp_path) is None
    for step in (9, 80, 100):
        (tmp_path / f"checkpoint-{step}").mkdir()
    for step in (9, 80):
        (tmp_path / f"checkpoint-{step}" / WHOLE).touch()
    assert last_whole_checkpoint(tmp_path) == tmp_path / "checkpoint-80"
