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
    `quantise` holds the base in 4 bits (QLoRA, CUDA). `rslora` scales by alpha / sqrt(rank) instead of
    alpha / rank (https://arxiv.org/abs/2312.03732); `dora` learns magnitudes apart from directions
    (https://arxiv.org/abs/2402.09353). `init` is where adapters begin: `pissa`
    (https://arxiv.org/abs/2404.02948) and `olora` (https://arxiv.org/abs/2406.01775) take a part of the base
    weights out and into the adapter.
    """

    rank: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    dropout: Share = 0.0
    targets: tuple[str, ...] | Literal["all-linear"] = "all-linear"
    layers: tuple[int, ...] | None = None
    quantise: bool = False
    rslora: bool = False
    dora: bool = False
    init: Literal["default", "gaussian", "orthogonal", "olora", "pissa"] = "default"

    @property
    def changes_base(self) -> bool:
        """Whether the adapted layers' own weights are no longer the backbone's."""
        return self.init in {"olora", "pissa"}

    @model_validator(mode="after")
    def _init_fits(self) -> Adapter:
        if self.changes_base and self.quantise:
            raise ValueError(f"init: {self.init} changes the base weights, which quantise holds in 4 bits")
        if self.init == "orthogonal" and self.rank % 2:
            raise ValueError(f"init: orthogonal needs an even rank, not {self.rank}")
        return self

    @model_validator(mode="after")
    def _layers_need_names(self) -> Adapter:
        if self.layers is not None and isinstance(self.targets, str):
            raise ValueError("layers needs targets by name, such as [query, value]")
        return self
