"""Pooling that learns: at the head's rate, with the encoder, and not while the head learns alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import fold_runner
import pandas as pd
import pytest
import torch
from declared import quest, task_of
from safetensors.torch import load_file
from torch import Tensor
from transformers import TrainingArguments

from foldship.config.schema import Experiment, Model
from foldship.config.stages import Stage
from foldship.modelling import model as network
from foldship.modelling import store
from foldship.training import objective, run
from foldship.training import stage as stages_of_folds
from foldship.training.trainer import FoldTrainer
from foldship_kernel.features import FeatureSpec
from foldship_kernel.tasks import NUMBERS

ENCODER = {"epochs": 1, "encoder_lr": 1e-3, "head_lr": 1e-2}
HEAD = {"train": "head", "epochs": 1, "head_lr": 1e-2}
SETTINGS = {
    "pooling": ["layers_mean", "lstm"],
    "head": {"hidden": 4, "per_target": True, "samples": 2, "views": {"question_": [0], "answer_": [0, 1]}},
    "features": {"categories": ["category"], "common": ["host"], "embedding": 2},
    "early_stopping": None,
    "averaging": None,
}


def train(backbone: Path, weights: Path, kind: str, *stages: dict[str, Any]) -> Path:
    """Train two folds on 24 rows; returns the model's folder."""
    given = fold_runner.experiment(backbone, kind).models["tiny"].model_dump()
    models = {"tiny": {**given, **SETTINGS, "stages": stages}}
    data = fold_runner.rows(24)
    table = pd.DataFrame({"qa_id": data["qa_id"], "group": range(24), "fold": [row % 2 for row in range(24)]})
    experiment = Experiment.model_validate({"competition": "quest", "seed": 3, "models": models})
    return run.run(quest, experiment, data, table, weights, jobs=1)[0]


def learned(folder: Path) -> dict[str, Tensor]:
    """The first fold's weights outside of the encoder."""
    state = load_file(folder / "fold0" / store.WEIGHTS)
    return {name: value for name, value in state.items() if not network.in_backbone(name)}


@pytest.mark.parametrize("kind", ["adapter", "full"])
def test_it_learns_with_the_encoder_and_rests_while_the_head_learns(
    tiny_backbone: Path, tmp_path: Path, kind: str
) -> None:
    stage = {"train": kind, **ENCODER}
    once = train(tiny_backbone, tmp_path / "once", kind, stage)
    before = learned(once)
    after = learned(train(tiny_backbone, tmp_path / "twice", kind, stage, HEAD))
    assert before.keys() == after.keys()
    assert before["encoder.pooling.parts.0.scores"].abs().min() > 0
    for name, value in before.items():
        assert torch.equal(value, after[name]) == name.startswith("encoder.pooling."), name
    loaded = store.load_fold(once, 0).state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in before.items())


def test_training_goes_on_after_a_stage_with_what_was_learned(
    tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class CutError(Exception):
        pass

    stages = ({"train": "full", **ENCODER}, HEAD)
    whole = train(tiny_backbone, tmp_path / "whole", "full", *stages)
    real = stages_of_folds.train

    def cut(job: Any, model: Any, number: int, stage: Stage, untrained: bool) -> None:
        if number == 1:
            raise CutError
        real(job, model, number, stage, untrained)

    with monkeypatch.context() as patch, pytest.raises(CutError):
        patch.setattr(stages_of_folds, "train", cut)
        train(tiny_backbone, tmp_path / "cut", "full", *stages)
    resumed = train(tiny_backbone, tmp_path / "cut", "full", *stages)
    torch.testing.assert_close(learned(resumed), learned(whole))


def test_it_takes_the_heads_rate(tiny_backbone: Path, tmp_path: Path) -> None:
    config = Model.model_validate(
        {
            "backbone": str(tiny_backbone),
            "towers": [{"segments": ["answer"], "max_tokens": 32}],
            "pooling": ["layers_cls", "lstm"],
            "stages": [{"train": "full", **ENCODER}],
        }
    )
    model = network.build(config, str(tiny_backbone), features=FeatureSpec(), outputs=("a", "b"))
    trainer = FoldTrainer(
        model=model,
        stage=config.stages[0],
        sampler=torch.utils.data.SequentialSampler([0]),
        objective=objective.build(config, config.stages[0], model, task_of(NUMBERS, "a", "b")),
        score=lambda model: 0.0,
        optimizer="adamw",
        args=TrainingArguments(output_dir=str(tmp_path), use_cpu=True, report_to=[], weight_decay=0.5),
    )
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    found = {
        names[id(parameter)]: (group["lr"], group["weight_decay"])
        for group in trainer.create_optimizer().param_groups
        for parameter in group["params"]
    }
    assert found.keys() == set(names.values())
    assert all(rate == (1e-3 if network.in_backbone(name) else 1e-2) for name, (rate, _) in found.items())
    assert found["encoder.pooling.parts.0.scores"] == (1e-2, 0.0)
    assert found["encoder.pooling.parts.1.forwards.weight_ih_l0"] == (1e-2, 0.5)
