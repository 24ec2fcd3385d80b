"""How out-of-fold predictions become a blend and its post-processing."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from foldship.config.base import Settings, Share

Method = Literal["mean", "rank_mean", "weighted", "greedy", "subsets", "by_score", "stacking", "auto"]
StepKind = Literal["clip", "tails", "floor", "round", "grid", "levels", "thresholds", "curve", "offsets"]


class PostProcessing(Settings):
    """A column is post-processed by the first kind that gains enough, or a later one that gains more.

    Enough: `minimum_gain` in the column's out-of-fold score, less `leniency` standard errors. Steady: in a
    share of at least `stability` of `resamples` samples of `resample_rows` held-out rows.
    """

    minimum_gain: float = Field(default=0.002, ge=0)
    kinds: tuple[StepKind, ...] = ("clip",)
    leniency: float = Field(default=0.0, ge=0)
    stability: Share = 0.0
    resamples: int = Field(default=200, ge=1)
    resample_rows: int = Field(default=476, ge=2)

    @model_validator(mode="after")
    def _each_kind_once(self) -> PostProcessing:
        if len(set(self.kinds)) < len(self.kinds):
            raise ValueError(f"kinds names one more than once: {', '.join(self.kinds)}")
        return self


class Blending(Settings):
    """How several models become one: the weights, what they are the weights of, and what follows."""

    method: Method = "mean"
    votes: Literal["soft", "hard"] = "soft"  # of classes: a model's probabilities count, or its choice alone
    ranks: bool = False  # of the models' quantiles, not of their predictions
    per_column: bool = False
    group_mean: Share = 0.0  # of targets that belong to the group alone, over its rows at hand, once blended
    minimum_gain: float = Field(default=0.001, ge=0)
    confidence: Share = 0.9

    @model_validator(mode="after")
    def _weights_to_fit(self) -> Blending:
        if self.per_column and self.method in ("mean", "rank_mean"):
            raise ValueError(f"per_column needs weights that are fitted, and method {self.method} fits none")
        if self.ranks and self.method == "mean":
            raise ValueError("ranks with method mean is method rank_mean: name that")
        return self
