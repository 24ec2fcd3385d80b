"""Read an experiment: `experiment.yaml`, then a recipe's overrides on top."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from foldship.config import problems
from foldship.config.schema import Experiment
from foldship_kernel.errors import FoldshipError


def load(folder: Path, recipe: str) -> Experiment:
    """Read `folder/experiment.yaml` with `folder/recipes/<recipe>.yaml` laid over it.

    A mapping in the recipe is merged into the experiment's, a null removes the key, all else replaces it.

    Raises:
        FoldshipError: a file is missing or no YAML, a key is unknown, or a value is out of range.
    """
    recipes = folder / "recipes"
    path = recipes / f"{recipe}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in recipes.glob("*.yaml"))) or "none"
        raise FoldshipError(
            f"there is no recipe {recipe!r} in {recipes}",
            expected=f"one of: {known}",
            fix=f"choose one with RECIPE=..., or write {path}",
        )
    merged = merge(read(folder / "experiment.yaml"), read(path))
    if merged.get("competition") != folder.name:
        raise FoldshipError(
            f"{folder / 'experiment.yaml'}: competition does not name its folder",
            expected=folder.name,
            found=str(merged.get("competition")),
            fix="write `competition: " + folder.name + "`",
        )
    try:
        return Experiment.model_validate(merged)
    except ValidationError as error:
        raise FoldshipError(
            f"{folder / 'experiment.yaml'} with {path.name}: settings that cannot be used",
            found=problems.listed(error),
            fix="correct the keys above; docs/configuration.md lists them all",
        ) from error


def read(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; empty when the file is.

    Raises:
        FoldshipError: it is missing, no YAML, or no mapping.
    """
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FoldshipError(
            f"{path}: cannot be read", found=str(error), fix="restore it, or name another COMPETITION"
        ) from error
    except yaml.YAMLError as error:
        raise FoldshipError(
            f"{path}: no valid YAML", found=str(error), fix="correct the line named"
        ) from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise FoldshipError(
            f"{path}: holds no mapping", expected="`key: value` lines", found=type(value).__name__
        )
    return value


def merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """A recipe laid over settings, as `load` does it."""
    merged = dict(base)
    for key, value in over.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = value
    return merged
