"""Layers that are trained."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from foldship.config.base import Settings, Share


class Head(Settings):
    """Layers on top of the pooled towers and the features; `hidden: null` is one linear layer."""

    hidden: int | None = Field(default=256, ge=1)
    dropout: Share = 0.1


class Adapter(Settings):
    """LoRA adapters (https://arxiv.org/abs/2106.09685).

    `targets` are the layers' modules that get one, in the encoder layers named by `layers` (all when null);
    `quantise` holds the base in 4 bits (QLoRA, CUDA).
    """

    rank: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    dropout: Share = 0.0
    targets: tuple[str, ...] | Literal["all-linear"] = "all-linear"
    layers: tuple[int, ...] | None = None
    quantise: bool = False

    @model_validator(mode="after")
    def _layers_need_names(self) -> Adapter:
        if self.layers is not None and isinstance(self.targets, str):
            raise ValueError("layers needs targets by name, such as [query, value]")
        return self
