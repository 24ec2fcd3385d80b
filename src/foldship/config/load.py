"""Read an experiment: `experiment.yaml`, then a recipe's overrides on top."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import yaml

from foldship.config import problems, spelling
from foldship.config.schema import Experiment
from foldship_kernel.errors import FoldshipError


def load(folder: Path, recipe: str) -> Experiment:
    """Read `folder/experiment.yaml` with `folder/recipes/<recipe>.yaml` laid over it.

    A mapping in the recipe is merged into the experiment's, a null removes the key, all else replaces it.
    With `extends: NAME`, a recipe is laid over another one.

    Raises:
        FoldshipError: a file is missing or no YAML, a key is unknown, or a value is out of range.
    """
    path = folder / "recipes" / f"{recipe}.yaml"
    merged = read(folder / "experiment.yaml")
    for part in _chain(folder / "recipes", recipe):
        merged = merge(merged, part)
    if merged.get("competition") != folder.name:
        raise FoldshipError(
            f"{folder / 'experiment.yaml'}: competition does not name its folder",
            expected=folder.name,
            found=str(merged.get("competition")),
            fix="write `competition: " + folder.name + "`",
        )
    where = f"{folder / 'experiment.yaml'} with {path.name}"
    return problems.validated(
        Experiment, merged, where, "correct the keys above; docs/configuration.md lists them all"
    )


def _chain(recipes: Path, name: str) -> list[dict[str, Any]]:
    """A recipe's content, after that of the recipe it extends, and so on."""
    chain: list[dict[str, Any]] = []
    names: list[str] = []
    wanted: Any = name
    while wanted is not None:
        path = recipes / f"{wanted}.yaml"
        if wanted in names:
            raise FoldshipError(
                f"{path}: recipes extend each other in a circle",
                found=" -> ".join([*names, str(wanted)]),
                fix="remove `extends` from one of them",
            )
        if not path.is_file():
            known = ", ".join(_known(recipes)) or "none"
            asked = f", which {names[-1]!r} extends," if names else ""
            raise FoldshipError(
                f"there is no recipe {wanted!r}{asked} in {recipes}",
                expected=f"one of: {known}",
                fix=_advice(recipes, str(wanted)) if not names else "correct `extends`",
            )
        content = read(path)
        names.append(wanted)
        wanted = content.pop("extends", None)
        chain.append(content)
    return chain[::-1]


def _advice(folder: Path, wanted: str) -> str:
    """What to do about a recipe that is not there."""
    known = [*recipes(folder), *(f"{path.parent.name}/{path.stem}" for path in folder.glob("*/*.yaml"))]
    plain = wanted.removesuffix(".yaml").removesuffix(".yml")
    if plain != wanted and Path(plain).name in known:
        return f"name it without its ending: {Path(plain).name}"
    if Path(wanted).is_absolute() or wanted.startswith((".", "~")) or Path(wanted).is_dir():
        return "name a recipe, not a path: RECIPE=fast, --recipe fast; a folder of data goes to DATA=, --data"
    close = [name for name in known if Path(name).name == plain.lower()]
    close = close or difflib.get_close_matches(plain.lower(), known, 1)
    if close:
        return f"did you mean {close[0]}?"
    return f"choose one with RECIPE=..., or write {folder / f'{plain}.yaml'}"


def recipes(folder: Path) -> list[str]:
    """Names of the recipes in a folder, without those in folders below it."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def _known(folder: Path) -> list[str]:
    """Recipes to choose from; folders of them as a pattern."""
    folders = sorted({path.parent.name for path in folder.glob("*/*.yaml")})
    return [*recipes(folder), *(f"{name}/*" for name in folders)]


def read(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; empty when the file is.

    Raises:
        FoldshipError: it is missing, no YAML, or no mapping.
    """
    try:
        value = yaml.load(path.read_text(encoding="utf-8-sig"), spelling.Loader)
    except OSError as error:
        raise FoldshipError(
            f"{path}: cannot be read", found=str(error), fix="restore it, or name another COMPETITION"
        ) from error
    except UnicodeDecodeError as error:
        raise FoldshipError(f"{path}: is not in UTF-8", found=str(error), fix="save it as UTF-8") from error
    except (
        yaml.YAMLError,
        ValueError,
        RecursionError,
    ) as error:  # an odd date or number, or too many brackets
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
