"""How training proceeds."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, model_validator

from foldship.config import schedules
from foldship.config.base import Positive, Rate, Settings, Share


class Stage(Settings):
    """One stage of training.

    `train` is what learns: `head` (on the frozen encoder's vectors, computed once), `adapter` (LoRA and head)
    or `full` (encoder and head). `max_tokens` cuts longer sequences, so that early epochs cost less.
    """

    train: Literal["head", "adapter", "full"]
    epochs: Positive
    head_lr: Positive
    encoder_lr: Positive | None = None
    schedule: schedules.Schedule = "linear"
    schedule_options: dict[str, Any] = Field(default_factory=dict)
    warmup: Rate = 0.1
    freeze_layers: int = Field(default=0, ge=0)
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_grad_norm: float = Field(default=1.0, ge=0)
    max_tokens: int | None = Field(default=None, ge=8)

    @model_validator(mode="after")
    def _encoder_rate(self) -> Stage:
        if self.train != "head" and self.encoder_lr is None:
            raise ValueError(f"train: {self.train} needs encoder_lr")
        if self.train == "head" and (self.encoder_lr is not None or self.freeze_layers):
            raise ValueError("train: head leaves the encoder alone; remove encoder_lr and freeze_layers")
        if self.train == "head" and self.max_tokens is not None:
            raise ValueError("train: head learns from vectors that are computed once; remove max_tokens")
        if self.train == "adapter" and self.freeze_layers:
            raise ValueError("train: adapter freezes the base anyway; remove freeze_layers")
        if self.train == "head" and self.layer_decay < 1:
            raise ValueError("train: head leaves the encoder alone; remove layer_decay")
        schedules.check(self.schedule, self.schedule_options)
        return self


class Ridge(Settings):
    """A stage that takes no steps: a linear head, fitted in closed form on the frozen encoder's vectors.

    Each output has the penalty among `penalties` that predicts best within the training rows; it is per row
    and for columns of variance 1. A feature is penalised `feature_weight` times less than a number of the
    vectors, of which there are many more.
    """

    train: Literal["ridge"]
    penalties: tuple[Positive, ...] = Field(
        default=(0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256), min_length=1
    )
    feature_weight: Positive = 12.0


# Stages on vectors that the frozen encoder gives once.
ON_VECTORS: Final = frozenset({"head", "ridge"})
AnyStage = Annotated[Stage | Ridge, Field(discriminator="train")]


class EarlyStopping(Settings):
    """Stop when the out-of-fold score has not risen for `patience` evaluations; the best state is kept."""

    patience: int = Field(default=2, ge=1)
    evaluations_per_epoch: int = Field(default=1, ge=1)


class Averaging(Settings):
    """The weights of the last stage are averaged over its steps.

    `ema` weighs later steps more, by `decay`; `swa` weighs all alike. `start` is the share of the stage after
    which averaging begins, `every` how many steps lie between two samples.
    """

    kind: Literal["ema", "swa"]
    decay: Annotated[float, Field(gt=0, lt=1)] = 0.999
    start: Share = 0.0
    every: int = Field(default=1, ge=1)


class Adaptation(Settings):
    """Masked-language-model training of the backbone on the competition's texts, before any fold.

    `mask` is the share of tokens to be guessed. Longer texts than `max_tokens` are read in several pieces.
    """

    epochs: Positive = 3
    lr: Positive = 1e-4
    mask: Annotated[float, Field(gt=0, lt=1)] = 0.15
    max_tokens: int = Field(default=256, ge=8)
    batch_size: int = Field(default=32, ge=1)
    warmup: Rate = 0.06
    seed: int = Field(default=0, ge=0)
