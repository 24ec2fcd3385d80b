"""`kernel.yaml`: what a competitor sets about the kernel and its dataset on Kaggle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, field_validator

from foldship.config import problems
from foldship.config.base import Settings
from foldship.images import machines
from foldship.naming import check_owner, check_slug, slug
from foldship_kernel.errors import FoldshipError

FILE_NAME = "kernel.yaml"
# Where kernel.yaml names no limit. How long a run may take is for the competition to say; these are QUEST's.
LIMITS_S = {"cpu": 32400.0, "gpu": 7200.0}
# "200GB per dataset limit", and as much for all private ones together, under Technical Specifications in
# https://www.kaggle.com/docs/datasets. 200 GB of 10^9 bytes are 186.26 GiB.
DATASET_LIMIT_GIB = 186.0


class KernelConfig(Settings):
    """Settings of the kernel.

    Attributes:
        title: the kernel's title; its slug is made from it.
        dataset_title: likewise of the dataset that carries the bundle.
        competition: slug of the competition whose files are attached.
        owner: user name on Kaggle; if not set, KAGGLE_USERNAME or the one in kaggle.json.
        accelerator: what the kernel runs on.
        machine_shape: the GPU machine asked for; see `foldship.images.machines`.
        limit_s: the competition's run-time limit in seconds; if not set, that of `LIMITS_S`.
        cpu_engine: what runs the models on a CPU; `auto` takes the fastest that predicts as well as the
            trained folds do. A kernel with a GPU keeps `onnxruntime` for the case that it gets none.
        dataset_limit_gib: largest dataset in GiB; a bundle that is larger is divided among several. By
            default what Kaggle takes, see `DATASET_LIMIT_GIB`.
        images: names of the images that the wheels are made for; if not set, Kaggle's for the accelerator,
            and `local`, the bare one that every bundle must run on.
    """

    title: str
    dataset_title: str
    competition: str
    owner: str | None = None
    accelerator: Literal["cpu", "gpu"] = "cpu"
    machine_shape: str = machines.DEFAULT
    limit_s: Annotated[float, Field(gt=0, le=machines.LONGEST_S)] | None = None
    cpu_engine: Literal["auto", "onnxruntime", "onnxruntime-int8", "openvino", "openvino-fp32"] = "auto"
    dataset_limit_gib: Annotated[float, Field(gt=0)] = DATASET_LIMIT_GIB
    images: Annotated[tuple[str, ...], Field(min_length=1)] | None = None

    @field_validator("title", "dataset_title")
    @classmethod
    def _title_makes_a_slug(cls, title: str) -> str:
        slug(title)
        return title

    @field_validator("competition")
    @classmethod
    def _competition_is_a_slug(cls, name: str) -> str:
        return check_slug(name)

    @field_validator("owner")
    @classmethod
    def _owner_is_a_name(cls, name: str | None) -> str | None:
        return None if name is None else check_owner(name)

    @field_validator("machine_shape")
    @classmethod
    def _machine_can_be_had(cls, shape: str) -> str:
        if shape in machines.UNAVAILABLE:
            raise ValueError(f"{shape} cannot be had: {machines.UNAVAILABLE[shape]}")
        return shape

    @property
    def limit(self) -> float:
        """Run-time limit in seconds."""
        return LIMITS_S[self.accelerator] if self.limit_s is None else self.limit_s

    @property
    def dataset_limit(self) -> int:
        """Most bytes of a dataset."""
        return int(self.dataset_limit_gib * (1 << 30))

    @property
    def image_names(self) -> tuple[str, ...]:
        """`images`, or the default."""
        return (f"kaggle-{self.accelerator}", "local") if self.images is None else self.images

    @property
    def wanted_engine(self) -> str:
        """`cpu_engine`, as it applies to the accelerator."""
        return self.cpu_engine if self.accelerator == "cpu" else "onnxruntime"


def load(path: Path, overrides: Mapping[str, Any]) -> KernelConfig:
    """Read `kernel.yaml`, with a recipe's own settings laid over it.

    Raises:
        FoldshipError: it is missing or no YAML, a key is unknown, or a value cannot be used.
    """
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(settings, dict):
            raise FoldshipError(
                f"{path}: holds no mapping", expected="`key: value` lines", found=type(settings).__name__
            )
    except (OSError, yaml.YAMLError) as error:
        raise FoldshipError(f"{path}: cannot be read", found=str(error), fix="restore or mend it") from error
    known = f"the keys {', '.join(KernelConfig.model_fields)}"
    return problems.validated(
        KernelConfig, {**settings, **overrides}, str(path), "correct the keys above", known
    )
