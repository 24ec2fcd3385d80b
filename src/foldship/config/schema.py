"""The experiment's settings. Unknown keys fail; every range is checked where the value is read."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, NonNegativeFloat, model_validator

from foldship.config import schedules, seeds
from foldship.config.adopting import Adopted
from foldship.config.base import ClassName, Rate, Settings, Share
from foldship.config.inputs import Augmentation, Cleaning, Features, Tower
from foldship.config.network import Adapter, Head, PoolingKind, fit_pooling
from foldship.config.objective import Loss, Optimizer, PseudoLabels, RDrop, Smart
from foldship.config.selecting import Blending, PostProcessing
from foldship.config.stages import ON_VECTORS, Adaptation, AnyStage, Averaging, EarlyStopping, Ridge


def _not_taken(name: str) -> str:
    if name in {"folds", "runs", "adapted", "frozen", "documents", "retrieval"}:
        raise ValueError(f"a model cannot be named {name}: weights/<competition>/{name} holds other things")
    return name


# A folder under weights/<competition>/.
ModelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"), AfterValidator(_not_taken)]


class Model(Settings):
    """One model: what it reads, its layers and how it is trained."""

    backbone: str
    towers: tuple[Tower, ...] = Field(min_length=1)
    head_fraction: Share = 0.5
    segment_ids: bool = False
    pooling: tuple[PoolingKind, ...] = Field(default=("cls", "mean"), min_length=1)
    encoder_dropout: Rate | None = None
    cleaning: Cleaning = Cleaning()
    features: Features = Features()
    head: Head = Head()
    adapter: Adapter | None = None
    augmentation: Augmentation = Augmentation()
    targets: Literal["plain", "rank", "ordinal"] = "plain"
    ordinal_levels: int = Field(default=8, ge=1)
    group_mean: Share = 0.0
    losses: tuple[Loss, ...] = ()  # bce, or of classes cross_entropy
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    column_weights: dict[ClassName, NonNegativeFloat] | Literal["balanced"] = Field(default_factory=dict)
    sample_weights: Literal["none", "group"] = "none"
    r_drop: RDrop | None = None
    smart: Smart | None = None
    pseudo_labels: PseudoLabels | None = None
    stages: tuple[AnyStage, ...] = Field(min_length=1)
    batch_size: int = Field(default=16, ge=1)
    accumulate: int = Field(default=1, ge=1)
    weight_decay: float = Field(default=0.01, ge=0)
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    optimizer: Optimizer = "auto"
    early_stopping: EarlyStopping | None = None
    checkpoints_per_epoch: int = Field(default=4, ge=1)
    averaging: Averaging | None = None
    adaptation: Adaptation | None = None
    seed: int | None = Field(default=None, ge=0, le=seeds.LARGEST)

    @property
    def has_plateau(self) -> bool:
        """Whether a stage's rates go by the score."""
        return any(not isinstance(s, Ridge) and s.schedule == schedules.PLATEAU for s in self.stages)

    @model_validator(mode="after")
    def _ridge_is_a_linear_head(self) -> Model:
        if any(isinstance(stage, Ridge) for stage in self.stages[1:]):
            raise ValueError("train: ridge begins anew: it must be the first stage")
        if not isinstance(self.stages[0], Ridge):
            return self
        if self.head.hidden or self.head.views or self.features.embedding is not None:
            raise ValueError(
                "train: ridge fits one linear layer: set head.hidden: 0, without head.views and "
                "features.embedding"
            )
        if len(self.stages) == 1 and (self.early_stopping or self.averaging):
            raise ValueError("train: ridge takes no steps: remove early_stopping and averaging")
        return self

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

    @model_validator(mode="after")
    def _network_fits(self) -> Model:
        self.head.fit(len(self.towers))
        fit_pooling(self.pooling, self.stages)
        return self

    @model_validator(mode="after")
    def _shorter_is_shorter(self) -> Model:
        longest = max(tower.max_tokens for tower in self.towers)
        for number, stage in enumerate(self.stages):
            if isinstance(stage, Ridge) or stage.max_tokens is None:
                continue
            if stage.max_tokens >= longest:
                raise ValueError(
                    f"stages.{number}.max_tokens {stage.max_tokens} cuts nothing: "
                    f"no tower has more than {longest}"
                )
        return self

    @model_validator(mode="after")
    def _tokens_are_read_in_training(self) -> Model:
        if self.augmentation.of_tokens and all(stage.train in ON_VECTORS for stage in self.stages):
            raise ValueError(
                "augmentation.mask_tokens and drop_tokens change what the encoder reads, but every stage has "
                "train: head or ridge, on vectors that are computed once"
            )
        return self

    @model_validator(mode="after")
    def _regularisers_have_work_to_do(self) -> Model:
        for name in ("r_drop", "smart"):
            if getattr(self, name) is not None and all(stage.train in ON_VECTORS for stage in self.stages):
                raise ValueError(
                    f"{name} acts where the encoder learns, but every stage has train: head or ridge"
                )
        rates = (self.head.dropout, self.encoder_dropout, self.adapter.dropout if self.adapter else 0.0)
        if self.r_drop is not None and not any(rate is None or rate > 0 for rate in rates):
            raise ValueError("r_drop compares two passes with dropout, but every dropout is 0")
        return self

    @model_validator(mode="after")
    def _a_plateau_is_seen_by_evaluations(self) -> Model:
        if self.has_plateau and self.early_stopping is None:
            raise ValueError(
                f"schedule: {schedules.PLATEAU} goes by the evaluations of `early_stopping`: set it"
            )
        return self


class Folds(Settings):
    """Cross-validation folds, split by group."""

    count: int = Field(default=5, ge=2)
    seed: int = Field(default=0, ge=0, le=seeds.LARGEST)


class Experiment(Settings):
    """All of `kernels/<competition>/experiment.yaml` with a recipe laid over it."""

    competition: str
    seed: int = Field(default=0, ge=0, le=seeds.LARGEST)
    folds: Folds = Folds()
    models: dict[ModelName, Model] = Field(default_factory=dict)
    adopted: dict[ModelName, Adopted] = Field(default_factory=dict)  # trained elsewhere
    blend: Blending = Blending()
    postprocess: PostProcessing = PostProcessing()
    kernel: dict[str, Any] = Field(default_factory=dict)  # laid over kernel.yaml

    def seed_of(self, model: str) -> int:
        """The seed of a model's training: its own, or the experiment's."""
        own = self.models[model].seed
        return self.seed if own is None else own

    @model_validator(mode="before")
    @classmethod
    def _a_model_per_seed(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("models"), dict):
            return {**value, "models": seeds.expand(value["models"])}
        return value

    @property
    def names(self) -> list[str]:
        """Names of all models, those trained elsewhere last."""
        return [*self.models, *self.adopted]

    @model_validator(mode="after")
    def _a_model_at_least(self) -> Experiment:
        if not self.names:
            raise ValueError("models: there is none; name one, or one under `adopted`")
        for name in self.models:
            if name in self.adopted:
                raise ValueError(f"adopted.{name}: there is a model called {name} already")
        return self

    @model_validator(mode="after")
    def _teachers_are_trained_first(self) -> Experiment:
        earlier: list[str] = []
        for name, model in self.models.items():
            teacher = model.pseudo_labels.teacher if model.pseudo_labels else None
            key = f"models.{name}.pseudo_labels.teacher: {teacher!r}"
            if teacher is not None and teacher not in earlier:
                known = ", ".join(earlier) or "none"
                raise ValueError(f"{key} is no earlier model of the experiment (earlier ones: {known})")
            if teacher is not None and self.models[teacher].early_stopping:
                raise ValueError(f"{key} has early_stopping, which chooses by the labels of rows held out")
            if teacher is not None and self.models[teacher].augmentation.makes_rows:
                raise ValueError(f"{key} has augmentation.rows or swap, made-up rows that move its targets")
            earlier.append(name)
        return self
