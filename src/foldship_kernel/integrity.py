"""What of the bundle is whole, and can be used."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from foldship_kernel import account, manifest
from foldship_kernel.errors import BundleError
from foldship_kernel.manifest import Manifest, ModelEntry
from foldship_kernel.parts import Files

# Read by the upload itself, and not among the files that Kaggle mounts.
UPLOAD_ONLY = "dataset-metadata.json"


@dataclass(frozen=True)
class Examined:
    """A bundle whose files have all been hashed.

    Attributes:
        damage: what is wrong, by path; files of missing parts apart.
        models: models with their whole folds only; none without any.
        left_out: why a fold cannot be used, by its name.
        wheels: whole wheels.
    """

    damage: Mapping[str, str]
    models: Sequence[ModelEntry]
    left_out: Mapping[str, str]
    wheels: Sequence[Path]


def with_whole_tokenizer(bundle: Manifest, files: Files) -> list[ModelEntry]:
    """Models whose tokenizer is whole; no other file is looked at."""
    damage = manifest.damage(bundle, files, {model.tokenizer for model in bundle.models})
    return [model for model in bundle.models if model.tokenizer not in damage]


def examine(bundle: Manifest, files: Files) -> Examined:
    """Hash all files of the bundle. What is in a missing part cannot be used, but is not damaged."""
    damage = manifest.damage(bundle, files)
    damage.pop(UPLOAD_ONLY, None)
    listed = {entry.path for entry in bundle.files}
    models, left_out = [], {}
    for model in bundle.models:
        whole = []
        for fold in model.folds:
            needs = (model.tokenizer, fold.encoder, fold.encoder_cpu, fold.head, *fold.weights)
            wrong = [path for path in needs if path in damage or path not in listed]
            if any(files.absent(path) for path in wrong):
                left_out[account.name_of(model.name, fold.fold)] = _in_missing_part(wrong, files)
            elif wrong:
                left_out[account.name_of(model.name, fold.fold)] = f"damaged: {', '.join(wrong)}"
            else:
                whole.append(fold)
        if whole:
            models.append(dataclasses.replace(model, folds=tuple(whole)))
    usable = [files.path(path) for path in bundle.wheels if path not in damage]
    damaged = {path: what for path, what in damage.items() if not files.absent(path)}
    return Examined(damaged, models, left_out, usable)


def _in_missing_part(paths: Sequence[str], files: Files) -> str:
    part = next(files.parts.of[path] for path in paths if files.absent(path))
    return f"missing: part {part} of the bundle, dataset {files.missing[part]}, is not attached"


def at_least_one(found: Examined, root: Path) -> list[ModelEntry]:
    """The models that can be used.

    Raises:
        BundleError: there is none.
    """
    if not found.models:
        raise BundleError(
            f"{root}: no fold of the bundle can be used",
            expected="at least one fold whose files are whole",
            found="; ".join(f"{name} {why}" for name, why in found.left_out.items()) or "no folds",
            fix=manifest.REBUILD,
        )
    return list(found.models)
