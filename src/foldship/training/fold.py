"""One fold through all its stages, going on wherever an earlier run stopped."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import ProgressCallback, TrainerCallback, TrainingArguments, set_seed

from foldship.config import schedules
from foldship.config.stages import Stage
from foldship.modelling import attention, predict
from foldship.modelling import model as network
from foldship.modelling.model import RowModel
from foldship.modelling.store import ModelCard, load_fold, save_fold
from foldship.training import augment, objective, precision
from foldship.training.averaging import Average
from foldship.training.data import Collator, GroupedLengthSampler, RowData, RowDataset
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

Scorer = Callable[[NDArray[np.float32]], float]


@dataclass(frozen=True)
class FoldJob:
    """What one fold is trained on.

    Attributes:
        card: the model.
        fold: its number.
        train: rows to learn from, pseudo-labelled ones last.
        held_out: rows to predict.
        score: logits of the rows held out to their score.
        folder: where the fold's files go.
        seed: of head, dropout and batch order.
        frozen_vectors: pooled vectors of `train`'s sequences under the untrained encoder, computed when first
            wanted.
        pseudo: number of pseudo-labelled rows.
    """

    card: ModelCard
    fold: int
    train: RowData
    held_out: RowData
    score: Scorer
    folder: Path
    seed: int
    frozen_vectors: Callable[[RowModel], NDArray[np.float32]]
    pseudo: int = 0

    def rows(self, stage: int) -> int:
        """How many of `train`, from the first on, the stage of this number learns from."""
        settings = self.card.config.pseudo_labels
        left_out = self.pseudo if settings and settings.stages == "first" and stage > 0 else 0
        return len(self.train.features) - left_out


def train(job: FoldJob) -> NDArray[np.float32]:
    """Train the fold, write its weights, and return the logits of the rows held out: (rows, C) float32."""
    job.folder.mkdir(parents=True, exist_ok=True)
    set_seed(job.seed)
    config = job.card.config
    model = build(job.card)
    untrained = True
    for number, stage in enumerate(config.stages):
        finished = job.folder / f"stage{number}.safetensors"
        if finished.is_file():
            model.load_state_dict(load_file(finished), strict=False)
        else:
            _train_stage(job, model, number, stage, untrained)
            _save_state(model, finished)
        shutil.rmtree(job.folder / f"stage{number}", ignore_errors=True)
        untrained = untrained and stage.train == "head"
    save_fold(job.folder, model)
    # The predictions come from what ships: the fold as it was written, in full precision.
    shipped = load_fold(job.folder.parent, job.fold, attention="sdpa").to(precision.device())
    vectors = predict.encode(
        shipped,
        job.held_out.encoded,
        job.card.encoding,
        describe=f"fold {job.fold}: held-out rows",
    )
    return _logits(job, shipped, vectors)


def build(card: ModelCard) -> RowModel:
    """The untrained network as this machine trains it best, its head initialised from torch's global seed."""
    config = card.config
    longest = max(tower.max_tokens for tower in config.towers)
    model = network.build(
        config,
        card.source,
        features=card.features,
        outputs=card.outputs,
        decode=card.decode,
        attention=precision.attention(longest, dropout=config.encoder_dropout != 0),
        quantise=config.adapter is not None and config.adapter.quantise,
    )
    if not torch.cuda.is_available():
        attention.lean(model)
    return model.to(precision.device())


def discard_stages(folder: Path) -> None:
    """Remove what only an unfinished fold needs, and what a kill left half written."""
    for path in (*folder.glob("stage*.safetensors"), *folder.glob(".*.part")):
        path.unlink()
    for path in folder.glob("stage*"):
        shutil.rmtree(path)


def _train_stage(job: FoldJob, model: RowModel, number: int, stage: Stage, untrained: bool) -> None:
    config = job.card.config
    stopping = config.early_stopping
    folder = job.folder / f"stage{number}"
    folder.mkdir(exist_ok=True)
    _freeze(model, stage)
    vectors = None
    if stage.train == "head":
        vectors = (
            job.frozen_vectors(model) if untrained else encode(job.card, model, job.train, "frozen encoder")
        )
    frozen = (
        encode(job.card, model, job.held_out, "held-out rows") if stopping and stage.train == "head" else None
    )
    rows = job.rows(number)
    steps = max(1, math.ceil(rows / config.batch_size / config.accumulate))
    # The sampler's numbers hold for all rows, because the rows that a stage leaves out come last.
    part = job.train.take(np.arange(rows))
    sampler = GroupedLengthSampler(part, config.batch_size, job.seed + 1000 * number)
    noise = augment.token_noise(
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
    # Rows point into the batch's distinct sequences, so a batch cannot be split over several GPUs.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    checkpoint = last_whole_checkpoint(folder)
    last = number == len(config.stages) - 1
    average = Average(config.averaging, model, checkpoint) if config.averaging and last else None
    # A checkpoint is whole once the average is in it, too.
    callbacks: list[TrainerCallback] = [*([average] if average else []), MarkWhole()]
    best = folder / "best.safetensors"
    if stopping:
        callbacks.append(KeepBest(stopping, lambda m, found: _keep(m, found, best), _kept(best)))
    trainer = FoldTrainer(
        stage=stage,
        sampler=sampler,
        objective=objective.build(config, stage, model, job.card.targets),
        score=lambda m: job.score(_logits(job, m, frozen)),
        eight_bit=precision.eight_bit(config),
        average=average,
        model=model,
        args=arguments,
        train_dataset=RowDataset(rows),
        eval_dataset=RowDataset(len(job.held_out.features)) if stopping else None,
        data_collator=Collator(job.train, job.card.encoding, vectors, noise),
        callbacks=callbacks,
    )
    trainer.remove_callback(ProgressCallback)
    trainer.add_callback(progress_callback(f"stage {number}, {stage.train}"))
    model.train()
    if checkpoint:
        print(f"{job.card.name} fold {job.fold}: going on from stage {number}, {checkpoint.name}", flush=True)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if best.is_file():
        model.load_state_dict(load_file(best), strict=False)
    elif average:
        average.apply()


def _schedule_options(stage: Stage) -> dict[str, Any]:
    """What the schedule takes; the plateau that is looked for is one of the score, which should rise."""
    return {**stage.schedule_options, **({"mode": "max"} if stage.schedule == schedules.PLATEAU else {})}


def _freeze(model: RowModel, stage: Stage) -> None:
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


def encode(card: ModelCard, model: RowModel, data: RowData, describe: str) -> NDArray[np.float32]:
    """Pooled vectors of all sequences, in the number format that the model trains in.

    Args:
        card, model: the model and its present weights.
        data: rows that read the sequences.
        describe: names the progress bar; empty shows none.
    """
    return predict.encode(
        model, data.encoded, card.encoding, precision=precision.choose(card.config), describe=describe
    )


def _logits(job: FoldJob, model: RowModel, vectors: NDArray[np.float32] | None) -> NDArray[np.float32]:
    if vectors is None:
        vectors = encode(job.card, model, job.held_out, "")
    return predict.logits(model, vectors, job.held_out.encoded, job.held_out.features)


def _save_state(model: RowModel, path: Path) -> None:
    state: dict[str, Tensor] = {
        name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()
    }
    with replacing(path) as temporary:
        save_file(state, temporary)


def _keep(model: RowModel, found: Best, path: Path) -> None:
    _save_state(model, path)
    write_json(path.with_suffix(".json"), asdict(found))


def _kept(path: Path) -> Best:
    note = path.with_suffix(".json")
    return Best(**json.loads(note.read_text())) if path.is_file() and note.is_file() else Best()
