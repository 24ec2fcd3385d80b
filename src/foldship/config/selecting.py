"""How out-of-fold predictions become a blend and its post-processing."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from foldship.config.base import Settings, Share


class PostProcessing(Settings):
    """A column is post-processed only if that raises its out-of-fold score by at least `minimum_gain`."""

    minimum_gain: float = Field(default=0.002, ge=0)


class Blending(Settings):
    """How several models become one: the weights, and what they are the weights of."""

    method: Literal["mean", "rank_mean", "weighted", "greedy", "subsets", "stacking", "auto"] = "mean"
    ranks: bool = False  # of the models' quantiles, not of their predictions
    per_column: bool = False
    minimum_gain: float = Field(default=0.001, ge=0)
    confidence: Share = 0.9

    @model_validator(mode="after")
    def _weights_to_fit(self) -> Blending:
        if self.per_column and self.method in ("mean", "rank_mean"):
            raise ValueError(f"per_column needs weights that are fitted, and method {self.method} fits none")
        if self.ranks and self.method == "mean":
            raise ValueError("ranks with method mean is method rank_mean: name that")
        return self
