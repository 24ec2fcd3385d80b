"""`bundle.json`: everything the kernel needs to know, and the proof that the bundle is whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foldship_kernel import account
from foldship_kernel.blend import Blend, choose, fitted
from foldship_kernel.encode import EncodingSpec
from foldship_kernel.errors import BundleError
from foldship_kernel.features import FeatureSpec
from foldship_kernel.parts import FIRST, Files, Parts
from foldship_kernel.tasks import Task

FORMAT = 3
FILE_NAME = "bundle.json"
REBUILD = "build it again with `make bundle`, and upload every file of the dataset folder"


@dataclass(frozen=True)
class FileEntry:
    """One file of the bundle: path relative to its part, bytes, SHA-256 in hex, number of the part."""

    path: str
    size: int
    sha256: str
    part: int = FIRST


@dataclass(frozen=True)
class FoldEntry:
    """One trained fold: its graphs and the files their weights lie in, relative to `bundle.json`.

    Attributes:
        fold: its number.
        encoder: the encoder with fp16 arithmetic, for a GPU.
        encoder_cpu: the encoder with the same fp16 weights and fp32 arithmetic, which a CPU runs faster.
        head: the head.
        weights: files that the graphs read their weights from.
    """

    fold: int
    encoder: str
    encoder_cpu: str
    head: str
    weights: tuple[str, ...]


@dataclass(frozen=True)
class Cost:
    """What a model's run-time follows from.

    Attributes:
        layers, width, intermediate: of the encoder: number of layers, hidden size, size within a layer.
        tokens_per_row: mean number of tokens per training row, each distinct sequence counted once.
        longest: most tokens of one sequence among the training rows.
    """

    layers: int
    width: int
    intermediate: int
    tokens_per_row: float
    longest: int


@dataclass(frozen=True)
class ModelEntry:
    """One model: how rows are read, and its folds.

    Attributes:
        name: as in the experiment.
        tokenizer: path of `tokenizer.json`, relative to `bundle.json`.
        encoding, features: how rows become the graphs' inputs.
        score: out-of-fold score, raw; None where it is not known.
        cost: what its run-time follows from.
        cpu_engine: the engine that runs its encoders on a CPU.
        folds: trained folds, averaged with equal shares.
    """

    name: str
    tokenizer: str
    encoding: EncodingSpec
    features: FeatureSpec
    score: float | None
    cost: Cost
    cpu_engine: str
    folds: tuple[FoldEntry, ...]


@dataclass(frozen=True)
class ScheduledUnit:
    """One fold of one model in its place in the schedule.

    Attributes:
        model, fold: which.
        seconds: what it took the machine that built the bundle, for 1,000 rows.
        score: expected score of the submission after this unit and all before it; None where not known.
    """

    model: str
    fold: int
    seconds: float
    score: float | None

    def __str__(self) -> str:
        return account.name_of(self.model, self.fold)


@dataclass(frozen=True)
class Manifest:
    """The whole of `bundle.json`.

    Attributes:
        task: the competition.
        accelerator: "cpu" or "gpu".
        limit_s: run-time limit in seconds, when FOLDSHIP_LIMIT_S is not set.
        fallback: per target, what a submission without any model is made of (mean, spread).
        blends: one per set of models that was fitted; one of them is of all models.
        schedule: folds in the order of greatest expected gain per second.
        wheels: paths of the wheels to unpack, relative to `bundle.json`.
        files: all files but the manifest itself and what only labels a part.
        parts: how the files are divided among datasets.
    """

    task: Task
    accelerator: str
    limit_s: float
    models: tuple[ModelEntry, ...]
    fallback: Mapping[str, Mapping[str, float]]
    blends: tuple[Blend, ...]
    schedule: tuple[ScheduledUnit, ...]
    wheels: tuple[str, ...]
    files: tuple[FileEntry, ...]
    versions: Mapping[str, str]
    parts: Parts = field(default_factory=Parts)

    @property
    def columns_read(self) -> tuple[str, ...]:
        """Columns of the test file that a model reads."""
        texts: set[str] = set()
        metadata: set[str] = set()
        for model in self.models:
            features = model.features
            texts |= {name for tower in model.encoding.towers for name in tower.segments}
            texts |= {
                *features.counted,
                *(name for pair in (*features.overlaps, *features.similar) for name in pair),
            }
            metadata |= {one_hot.column for one_hot in features.one_hots}
        return self.task.columns_for(texts, metadata)

    def blend_for(self, names: Collection[str]) -> Blend:
        """The blend of just these models, or the nearest to it: see `foldship_kernel.blend.choose`."""
        return choose(self.blends, names)

    def expected_score(self, units: Collection[str]) -> float | None:
        """Expected score of the submission that some folds make.

        Args:
            units: names of the folds, as `account.name_of` gives them.

        Returns:
            The schedule's, if they are just its first ones; else that of the blend of these models with one
            fold each, where it was fitted.
        """
        first = self.schedule[: len(units)]
        if units and {str(unit) for unit in first} == set(units):
            return first[-1].score
        models = [
            model.name
            for model in self.models
            if any(account.name_of(model.name, fold.fold) in units for fold in model.folds)
        ]
        blend = fitted(self.blends, models)
        return None if blend is None else blend.score


def load(path: Path) -> Manifest:
    """Read a manifest.

    Raises:
        BundleError: it is missing, is no JSON, or was written for another format.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BundleError(f"{path}: the manifest cannot be read", found=str(error), fix=REBUILD) from error
    if value.get("format") != FORMAT:
        raise BundleError(
            f"{path}: unknown manifest format",
            expected=str(FORMAT),
            found=str(value.get("format")),
            fix=REBUILD,
        )
    try:
        return _from_dict(value)
    except (KeyError, TypeError, ValueError) as error:
        raise BundleError(f"{path}: the manifest is incomplete", found=repr(error), fix=REBUILD) from error


def _from_dict(value: Mapping[str, Any]) -> Manifest:
    models = tuple(
        ModelEntry(
            name=model["name"],
            tokenizer=model["tokenizer"],
            encoding=EncodingSpec.from_dict(model["encoding"]),
            features=FeatureSpec.from_dict(model["features"]),
            score=model["score"],
            cost=Cost(**model["cost"]),
            cpu_engine=model["cpu_engine"],
            folds=tuple(
                FoldEntry(
                    fold["fold"], fold["encoder"], fold["encoder_cpu"], fold["head"], tuple(fold["weights"])
                )
                for fold in model["folds"]
            ),
        )
        for model in value["models"]
    )
    grids = value.get("grids", {})
    blends = tuple(Blend.from_dict(blend, grids, len(value["fallback"])) for blend in value["blends"])
    if models and fitted(blends, [model.name for model in models]) is None:
        raise ValueError("no blend of all models")
    return Manifest(
        task=Task.from_dict(value["task"]),
        accelerator=value["accelerator"],
        limit_s=value["limit_s"],
        models=models,
        fallback=value["fallback"],
        blends=blends,
        schedule=tuple(ScheduledUnit(**unit) for unit in value["schedule"]),
        wheels=tuple(value["wheels"]),
        files=tuple(
            FileEntry(f["path"], f["size"], f["sha256"], f.get("part", FIRST)) for f in value["files"]
        ),
        versions=value["versions"],
        parts=Parts.from_dict(value),
    )


def sha256(path: Path) -> str:
    """SHA-256 of a file in hex, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def damage(manifest: Manifest, files: Files, only: Container[str] | None = None) -> dict[str, str]:
    """What is wrong with the bundle's files (or `only` some of them), by path; empty when all is well."""
    wrong = {}
    for entry in manifest.files:
        if only is not None and entry.path not in only:
            continue
        path = files.path(entry.path)
        if files.absent(entry.path):
            wrong[entry.path] = f"in part {entry.part}, which is missing"
        elif not path.is_file():
            wrong[entry.path] = "missing"
        elif path.stat().st_size != entry.size:
            wrong[entry.path] = f"{path.stat().st_size} bytes instead of {entry.size}"
        elif sha256(path) != entry.sha256:
            wrong[entry.path] = "its SHA-256 differs"
    return wrong
