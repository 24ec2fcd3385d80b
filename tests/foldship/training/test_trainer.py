from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from torch import nn
from torch.utils.data import SequentialSampler
from transformers import TrainingArguments

from foldship.config.stages import EarlyStopping
from foldship.training.trainer import (
    SCORE,
    WHOLE,
    Best,
    KeepBest,
    SampledTrainer,
    last_whole_checkpoint,
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
