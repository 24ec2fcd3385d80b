"""One stage of a fold's training: what learns, how fast, for how long, on from its last checkpoint."""

from __future__ import annotations

import json
import math
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save_file
from torch import Tensor
from transformers import ProgressCallback, TrainerCallback, TrainerState, TrainingArguments
from transformers.trainer import TRAINER_STATE_NAME
from transformers.utils import SAFE_WEIGHTS_NAME

from foldship.config import schedules
from foldship.config.stages import Stage
from foldship.modelling import loading
from foldship.modelling import model as network
from foldship.modelling.model import RowModel
from foldship.training import frozen_states, objective, precision, token_noise
from foldship.training.averaging import Average
from foldship.training.data import PART, Collator, GroupedLengthSampler, RowDataset
from foldship.training.job import FoldJob, encode, logits
from foldship.training.trainer import (
    SCORE,
    Best,
    FoldTrainer,
    KeepBest,
    MarkWhole,
    last_whole_checkpoint,
    progress_callback,
    trainer_options,
)
from foldship_kernel.atomic import replacing, write_json
from foldship_kernel.errors import FoldshipError


def train(job: FoldJob, model: RowModel, number: int, stage: Stage, untrained: bool) -> None:
    config = job.card.config
    stopping = config.early_stopping
    folder = job.folder / f"stage{number}"
    folder.mkdir(exist_ok=True)
    freeze(model, stage)
    vectors = None
    if stage.train == "head":
        vectors = (
            job.frozen_vectors(model) if untrained else encode(job.card, model, job.train, "frozen encoder")
        )
    held_out = (
        encode(job.card, model, job.held_out, "held-out rows") if stopping and stage.train == "head" else None
    )
    rows = job.rows(number)
    steps = max(1, math.ceil(rows / config.batch_size / config.accumulate))
    # The sampler's numbers hold for all rows, because the rows that a stage leaves out come last.
    data = job.train if stage.max_tokens is None else job.shortened(stage.max_tokens)
    sampler = GroupedLengthSampler(data.take(np.arange(rows)), config.batch_size, job.seed + 1000 * number)
    noise = token_noise.token_noise(
        config.augmentation, job.card.source, job.card.encoding, sampler.seed, lambda: sampler.epoch
    )
    arguments = TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=stage.epochs,
        per_device_train_batch_size=config.batch_size,
        gradient_accumulation_steps=config.accumulate,
        learning_rate=stage.head_lr,
        lr_scheduler_type=stage.schedule,
        lr_scheduler_kwargs=_schedule_options(stage),
        metric_for_best_model=SCORE if stage.schedule == schedules.PLATEAU else None,
        max_grad_norm=stage.max_grad_norm,
        warmup_ratio=stage.warmup,
        weight_decay=config.weight_decay,
        logging_steps=max(1, steps // 20),
        save_steps=max(1, steps // config.checkpoints_per_epoch),
        save_total_limit=2,
        eval_strategy="steps" if stopping else "no",
        eval_steps=max(1, steps // stopping.evaluations_per_epoch) if stopping else None,
        seed=job.seed,
        **trainer_options(config),
        report_to=["tensorboard"],
        logging_dir=str(job.folder / "tensorboard" / f"stage{number}-{stage.train}"),
    )
    checkpoint = last_whole_checkpoint(folder)
    last = number == len(config.stages) - 1
    average = Average(config.averaging, model, checkpoint) if config.averaging and last else None
    # A checkpoint is whole once the average is in it, too.
    callbacks: list[TrainerCallback] = [*([average] if average else []), MarkWhole()]
    best = folder / "best.safetensors"
    keeping = KeepBest(stopping, lambda m, found: _keep(m, found, best), _kept(best)) if stopping else None
    if keeping:
        callbacks.append(keeping)
    trainer = FoldTrainer(
        stage=stage,
        sampler=sampler,
        objective=objective.build(config, stage, model, job.card.task, job.train.targets.mean(axis=0)),
        score=lambda m: job.score(logits(job, m, held_out)),
        optimizer=precision.optimizer(config),
        average=average,
        model=model,
        args=arguments,
        train_dataset=RowDataset(rows),
        eval_dataset=RowDataset(len(job.held_out.features)) if stopping else None,
        data_collator=Collator(
            data,
            job.card.encoding,
            vectors,
            noise,
            job.frozen_states(frozen_states.depth(config, number)),
            # SMART changes the embeddings of a batch as a whole.
            part=PART if precision.device().type == "cpu" and config.smart is None else None,
        ),
        callbacks=callbacks,
    )
    trainer.remove_callback(ProgressCallback)
    trainer.add_callback(progress_callback(f"stage {number}, {stage.train}"))
    model.train()
    if checkpoint:
        print(f"{job.card.name} fold {job.fold}: going on from stage {number}, {checkpoint.name}", flush=True)
    if checkpoint and _is_last(checkpoint, keeping, arguments):
        weights = checkpoint / SAFE_WEIGHTS_NAME
        loading.restore(model, weights, f"delete {checkpoint} and run `make train` again")
    else:
        with warnings.catch_warnings():
            # Of a small stage, checkpoints follow each other in less than the second it doubts.
            warnings.filterwarnings("ignore", message="mtime may not be reliable")
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if best.is_file():
        loading.restore(model, best, f"delete {best} and run `make train` again")
    elif average:
        average.apply()


def freeze(model: RowModel, stage: Stage) -> None:
    """Let the stage's parameters learn, and no others.

    Learned pooling learns with the encoder: a head stage reads vectors that were pooled once.
    """
    for name, parameter in model.named_parameters():
        if not network.in_backbone(name):
            parameter.requires_grad_(name.startswith("head.") or stage.train != "head")
        elif stage.train == "adapter":
            parameter.requires_grad_(".lora_" in name)
        elif parameter.is_floating_point():
            parameter.requires_grad_(stage.train == "full")
    if stage.train == "full" and stage.freeze_layers:
        base: Any = model.encoder.backbone
        layers = getattr(getattr(base, "encoder", None), "layer", None)
        if layers is None or len(layers) < stage.freeze_layers:
            raise FoldshipError(
                f"stages: freeze_layers: {stage.freeze_layers} does not fit the backbone",
                expected="a backbone with layers in encoder.layer"
                if layers is None
                else f"at most {len(layers)}",
                fix="lower freeze_layers, or set it to 0",
            )
        for module in (base.embeddings, *layers[: stage.freeze_layers]):
            module.requires_grad_(False)


def save_state(model: RowModel, path: Path) -> None:
    state: dict[str, Tensor] = {
        name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()
    }
    with replacing(path) as temporary:
        save_file(state, temporary)


def _is_last(checkpoint: Path, keeping: KeepBest | None, arguments: TrainingArguments) -> bool:
    """Whether the stage ended with this checkpoint: the Trainer would go a step further."""
    state = TrainerState.load_from_json(str(checkpoint / TRAINER_STATE_NAME))
    stopped = keeping is not None and keeping.has_stopped(state.global_step, int(arguments.eval_steps or 1))
    return stopped or state.global_step >= state.max_steps


def _schedule_options(stage: Stage) -> dict[str, Any]:
    """What the schedule takes; the plateau that is looked for is one of the score, which should rise."""
    return {**stage.schedule_options, **({"mode": "max"} if stage.schedule == schedules.PLATEAU else {})}


def _keep(model: RowModel, found: Best, path: Path) -> None:
    save_state(model, path)
    write_json(path.with_suffix(".json"), asdict(found))


def _kept(path: Path) -> Best:
    note = path.with_suffix(".json")
    return Best(**json.loads(note.read_text())) if path.is_file() and note.is_file() else Best()
