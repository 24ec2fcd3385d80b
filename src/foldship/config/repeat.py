"""A recipe that turns an experiment into another one: all its settings, and what it has not is removed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from foldship.config import load
from foldship.config.schema import Experiment


def as_recipe(folder: Path, config: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A recipe that, laid over `folder/experiment.yaml`, gives the settings of `config`.

    Args:
        folder: with the present `experiment.yaml`.
        config: all settings, as `Experiment.model_dump` gives them.

    Returns:
        The recipe, and the paths of settings that it cannot bring back, because they are no longer known.
    """
    base = load.read(folder / "experiment.yaml")
    recipe = _over(base, config)
    try:
        again = Experiment.model_validate(load.merge(base, recipe)).model_dump(mode="json")
    except ValidationError as error:
        return recipe, [".".join(map(str, problem["loc"])) for problem in error.errors()]
    return recipe, _differences(config, again, "")


def _over(base: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """`wanted`, with a null for each key of `base` that is not in it, at any depth."""
    result: dict[str, Any] = {
        key: _over(base[key] if isinstance(base.get(key), dict) else {}, value)
        if isinstance(value, dict)
        else value
        for key, value in wanted.items()
    }
    return result | {key: None for key in base if key not in wanted}


def _differences(wanted: Any, found: Any, path: str) -> list[str]:
    if not isinstance(wanted, dict) or not isinstance(found, dict):
        return [] if wanted == found else [path]
    return [
        place
        for key in wanted  # a setting that came later has its default, which is how it was
        for place in _differences(wanted[key], found.get(key), f"{path}.{key}".lstrip("."))
    ]
