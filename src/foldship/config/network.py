"""Layers that are trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, model_validator

from foldship.config.base import Rate, Settings
from foldship.config.stages import ON_VECTORS, AnyStage

# What is read of a layer: of the last one, or of the one whose number follows, 0 being the embeddings.
OF_A_LAYER: Final = ("cls", "mean", "max", "sep")
LAYERS: Final = frozenset({"layers_cls", "layers_mean"})
LSTM: Final = "lstm"
# The first token of a span, or the mean over its tokens; the span's name follows.
FIRST: Final = "first"
OF_A_SPAN: Final = (FIRST, "mean")


def _known(kind: str) -> str:
    name, at, layer = kind.partition("@")
    read, of, span = name.partition(":")
    named = (read in OF_A_SPAN and bool(span)) if of else name in OF_A_LAYER
    if kind in LAYERS or kind == LSTM or (named and (layer.isdecimal() if at else True)):
        return kind
    known = [*OF_A_LAYER, "mean@4 and its like", "first:SPAN", "mean:SPAN", *sorted(LAYERS), LSTM]
    raise ValueError(f"pooling: there is no {kind!r}; there are {', '.join(known)}")


PoolingKind = Annotated[str, AfterValidator(_known)]


def reads_spans(pooling: Sequence[PoolingKind]) -> bool:
    """Whether any span is read."""
    return any(":" in kind for kind in pooling)


def lowest(pooling: Sequence[PoolingKind]) -> int | None:
    """The lowest layer that is read; None where only the last one is."""
    named = [int(kind.partition("@")[2]) for kind in pooling if "@" in kind]
    return min([*named, *(0 for kind in pooling if kind in LAYERS)], default=None)


def deepest(pooling: Sequence[PoolingKind]) -> int | None:
    """How many layers are run, where each kind names one; None where all are."""
    named = [int(kind.partition("@")[2]) for kind in pooling if "@" in kind]
    return max(named) if len(named) == len(pooling) else None


class Head(Settings):
    """Layers on top of the pooled towers and the features; `hidden: 0` is one linear layer.

    `samples` is the number of dropout masks that a training step averages the logits over
    (https://arxiv.org/abs/1905.09788). `per_target` gives every target a hidden layer of its own, `norm` a
    layer norm to what the head reads. `interactions` adds the product and the distance of the first two
    towers' vectors. `views` maps beginnings of target names to the towers (from 0) that these targets read,
    through a head of their own; without, all targets read all towers.

    Of classes, `restrict` names a column of `features.categories`: classes that no training row of a category
    has become impossible there. `cascade` names the class that stands for none of the others: one head
    decides whether it is any of them, a second one which.
    """

    hidden: int = Field(default=256, ge=0)
    layers: int = Field(default=1, ge=1)
    dropout: Rate = 0.1
    samples: int = Field(default=1, ge=1)
    per_target: bool = False
    interactions: bool = False
    norm: bool = False
    restrict: str | None = None
    cascade: str | None = None
    views: dict[str, Annotated[tuple[int, ...], Field(min_length=1)]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _parts_fit(self) -> Head:
        if self.layers > 1 and (self.per_target or not self.hidden):
            raise ValueError("layers are hidden layers for all targets: set hidden, and per_target: false")
        if self.cascade and (self.per_target or self.views):
            raise ValueError("cascade has two heads of its own: remove per_target and views")
        if self.per_target and not self.hidden:
            raise ValueError("per_target needs hidden: without it every target has a layer of its own anyway")
        if self.samples > 1 and not self.dropout:
            raise ValueError("samples averages dropout masks: it needs dropout above 0")
        for prefix, towers in self.views.items():
            if len(set(towers)) < len(towers):
                raise ValueError(f"views.{prefix} names a tower twice")
        return self

    def fit(self, towers: int) -> None:
        """Check the head against the number of towers.

        Raises:
            ValueError: a tower is read that there is not, or two are needed where one is read.
        """
        for prefix, read in self.views.items():
            if not all(0 <= tower < towers for tower in read):
                raise ValueError(f"head.views.{prefix}: towers are numbered 0 to {towers - 1}")
        if self.interactions and max(map(len, self.views.values()), default=towers) < 2:
            raise ValueError("head.interactions needs two towers, read by the same targets")


def fit_pooling(pooling: Sequence[PoolingKind], stages: Sequence[AnyStage]) -> None:
    """Check that pooling can be trained.

    Raises:
        ValueError: a head would be trained on an LSTM that has learned nothing, or no layer is read.
    """
    if deepest(pooling) == 0:
        raise ValueError("pooling: nothing but the embeddings is read; name a layer above them, too")
    if LSTM in pooling and stages[0].train in ON_VECTORS:
        raise ValueError(
            "pooling: lstm starts at random and learns with the encoder; a head or ridge stage cannot come "
            "first"
        )


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
    dropout: Rate = 0.0
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
