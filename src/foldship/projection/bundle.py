"""What `bundle.json` says about the work in it. Only the keys that a projection needs are read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from foldship.config.base import Positive
from foldship_kernel import account, flops
from foldship_kernel.errors import FoldshipError

REBUILD = "build it again with `make bundle`"
CPU, GPU = "cpu", "gpu"
Count = Annotated[int, Field(ge=1)]


class _Part(BaseModel):
    """A part of the manifest; what else it holds is not read here."""

    model_config = ConfigDict(frozen=True)


class Cost(_Part):
    """What one model costs.

    Attributes:
        layers, width, intermediate: the encoder's shape.
        tokens_per_row: mean tokens of distinct sequences per row, all towers together.
        longest: most tokens of one sequence.
    """

    layers: Count
    width: Count
    intermediate: Count
    tokens_per_row: Positive
    longest: Count

    def flops(self, tokens: float, longest: int | None = None) -> float:
        """Floating-point operations for so many tokens, all taken to stand in sequences of the most tokens.

        Args:
            tokens: real tokens; the padding that sorted batches need is added.
            longest: where sequences were cut shorter than usual.
        """
        per_token = flops.per_token(
            layers=self.layers,
            width=self.width,
            intermediate=self.intermediate,
            length=min(longest or self.longest, self.longest),
        )
        return tokens * flops.PADDING * per_token


class _Fold(_Part):
    fold: int
    encoder: str
    encoder_cpu: str
    head: str
    weights: tuple[str, ...]


class _Model(_Part):
    name: str
    cost: Cost
    folds: tuple[_Fold, ...]


class _Planned(_Part):
    model: str
    fold: int
    score: float | None


class _File(_Part):
    path: str
    size: int


@dataclass(frozen=True)
class Unit:
    """One fold in the order of the run.

    Attributes:
        name: as in the kernel's journal.
        model: name of its model.
        size: bytes of the graphs and weights that are loaded for it.
        score: expected score of the submission after it; None where none is known.
    """

    name: str
    model: str
    size: int
    score: float | None


class Bundle(_Part):
    """The part of the manifest that is projected.

    Attributes:
        accelerator: what the kernel asks for.
        limit_s: the run-time limit.
        models, schedule, files: as in the manifest.
    """

    accelerator: Literal["cpu", "gpu"]
    limit_s: Positive
    models: tuple[_Model, ...] = Field(min_length=1)
    schedule: tuple[_Planned, ...] = Field(min_length=1)
    files: tuple[_File, ...]

    @cached_property
    def costs(self) -> dict[str, Cost]:
        """Cost by model."""
        return {model.name: model.cost for model in self.models}

    @cached_property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def without_gpu(self) -> Bundle:
        """The same bundle where a processor runs its models."""
        kept = {name: getattr(self, name) for name in type(self).model_fields}
        return Bundle.model_validate({**kept, "accelerator": CPU})

    @cached_property
    def units(self) -> tuple[Unit, ...]:
        """Folds in the order of the schedule.

        Raises:
            FoldshipError: the schedule names a fold, or a fold a file, that is not there.
        """
        folds = {(model.name, fold.fold): fold for model in self.models for fold in model.folds}
        sizes = {file.path: file.size for file in self.files}
        units = []
        for planned in self.schedule:
            name = account.name_of(planned.model, planned.fold)
            try:
                fold = folds[planned.model, planned.fold]
                encoder = fold.encoder if self.accelerator == GPU else fold.encoder_cpu
                size = sum(sizes[path] for path in (encoder, fold.head, *fold.weights))
            except KeyError as error:
                raise FoldshipError(
                    f"the manifest's schedule names {name}, which the bundle does not hold",
                    found=f"no {error.args[0]}",
                    fix=REBUILD,
                ) from error
            units.append(Unit(name, planned.model, size, planned.score))
        return tuple(units)


def read(path: Path) -> Bundle:
    """Read what a projection needs of `bundle.json`.

    Raises:
        FoldshipError: it cannot be read, or does not say what its folds cost.
    """
    try:
        value: Any = json.loads(path.read_text(encoding="utf-8"))
        return Bundle.model_validate(value)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise FoldshipError(f"{path}: cannot be read", found=str(error), fix=REBUILD) from error
    except ValidationError as error:
        missing = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:3])
        raise FoldshipError(
            f"{path}: does not say what its folds cost",
            expected="schedule, and cost of each model",
            found=missing,
            fix=REBUILD,
        ) from error
