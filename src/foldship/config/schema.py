"""The experiment's settings. Unknown keys fail; every range is checked where the value is read."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[float, Field(gt=0)]


def _not_folds(name: str) -> str:
    if name == "folds":
        raise ValueError("a model cannot be named folds: weights/<competition>/folds holds the folds")
    return name


# A folder under weights/<competition>/.
ModelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"), AfterValidator(_not_folds)]
Share = Annotated[float, Field(ge=0, le=1)]


class Settings(BaseModel):
    """Base of all settings: immutable, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Tower(Settings):
    """One token sequence per row, made of text columns."""

    segments: tuple[str, ...] = Field(min_length=1)
    max_tokens: int = Field(ge=8, le=8192)
    budgets: tuple[Annotated[int, Field(ge=0)] | None, ...] | None = None

    @model_validator(mode="after")
    def _budget_per_segment(self) -> Tower:
        if self.budgets is not None and len(self.budgets) != len(self.segments):
            raise ValueError(f"{len(self.budgets)} budgets for {len(self.segments)} segments; give one each")
        return self


class Features(Settings):
    """What goes past the transformer straight into the head."""

    categories: tuple[str, ...] = ()
    common: tuple[str, ...] = ()
    counted: tuple[str, ...] = ()
    overlaps: tuple[tuple[str, str], ...] = ()


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


class Model(Settings):
    """One model: what it reads, its layers and how it is trained."""

    backbone: str
    towers: tuple[Tower, ...] = Field(min_length=1)
    head_fraction: Share = 0.5
    segment_ids: bool = False
    pooling: tuple[Literal["cls", "mean"], ...] = Field(default=("cls", "mean"), min_length=1)
    encoder_dropout: Share | None = None
    features: Features = Features()
    head: Head = Head()
    adapter: Adapter | None = None
    targets: Literal["plain", "rank"] = "plain"
    stages: tuple[Stage, ...] = Field(min_length=1)
    batch_size: int = Field(default=16, ge=1)
    accumulate: int = Field(default=1, ge=1)
    weight_decay: float = Field(default=0.01, ge=0)
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    optimizer: Literal["auto", "adamw", "adamw_8bit"] = "auto"
    early_stopping: EarlyStopping | None = None
    checkpoints_per_epoch: int = Field(default=4, ge=1)

    @model_validator(mode="after")
    def _one_way_to_train_the_encoder(self) -> Model:
        kinds = {stage.train for stage in self.stages}
        if {"adapter", "full"} <= kinds:
            raise ValueError("stages train either adapters or the full encoder, not both")
        if "adapter" in kinds and self.adapter is None:
            raise ValueError("a stage trains adapters, but `adapter` is not set")
        if self.adapter is not None and "adapter" not in kinds:
            raise ValueError("`adapter` is set, but no stage has train: adapter")
        return self


class Folds(Settings):
    """Cross-validation folds, split by group."""

    count: int = Field(default=5, ge=2)
    seed: int = 0


class PostProcessing(Settings):
    """A column is post-processed only if that raises its out-of-fold score by at least `minimum_gain`."""

    minimum_gain: float = Field(default=0.002, ge=0)


class Experiment(Settings):
    """All of `kernels/<competition>/experiment.yaml` with a recipe laid over it."""

    competition: str
    seed: int = 0
    folds: Folds = Folds()
    models: dict[ModelName, Model] = Field(min_length=1)
    postprocess: PostProcessing = PostProcessing()
    kernel: dict[str, Any] = {}  # laid over kernel.yaml
