"""How training proceeds."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from foldship.config.base import Positive, Settings, Share


class Stage(Settings):
    """One stage of training.

    `train` is what learns: `head` (on the frozen encoder's vectors, computed once), `adapter` (LoRA and head)
    or `full` (encoder and head).
    """

    train: Literal["head", "adapter", "full"]
    epochs: Positive
    head_lr: Positive
    encoder_lr: Positive | None = None
    schedule: Literal["linear", "cosine", "constant", "constant_with_warmup", "polynomial"] = "linear"
    warmup: Share = 0.1
    freeze_layers: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _encoder_rate(self) -> Stage:
        if self.train != "head" and self.encoder_lr is None:
            raise ValueError(f"train: {self.train} needs encoder_lr")
        if self.train == "head" and (self.encoder_lr is not None or self.freeze_layers):
            raise ValueError("train: head leaves the encoder alone; remove encoder_lr and freeze_layers")
        if self.train == "adapter" and self.freeze_layers:
            raise ValueError("train: adapter freezes the base anyway; remove freeze_layers")
        return self


class EarlyStopping(Settings):
    """Stop when the out-of-fold score has not risen for `patience` evaluations; the best state is kept."""

    patience: int = Field(default=2, ge=1)
    evaluations_per_epoch: int = Field(default=1, ge=1)
