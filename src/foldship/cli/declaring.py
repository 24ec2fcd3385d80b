"""The recipe that `adopt` writes: models that were trained elsewhere, in place of the experiment's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from foldship.config import load
from foldship.workspace import Workspace
from foldship_kernel.atomic import write_text
from foldship_kernel.errors import FoldshipError

HEAD = (
    "# Written by `foldship adopt`, which keeps all settings but no other comments; see docs/adopting.md.\n"
)
MIXED = "# Without `models: null` these are blended with the experiment's own models.\n"


@contextmanager
def declared(workspace: Workspace, recipe: str, name: str, value: Mapping[str, Any]) -> Iterator[None]:
    """Declare a model in a recipe; one of that name is replaced. If the block fails, all is as it was.

    Args:
        workspace: whose `kernels/<competition>/recipes/` holds the recipe.
        recipe: its name; made where it is missing.
        name: of the model.
        value: its settings.

    Raises:
        FoldshipError: the recipe was written by hand.
    """
    path = workspace.experiment / "recipes" / f"{recipe}.yaml"
    before = path.read_text(encoding="utf-8") if path.is_file() else None
    if before is not None and not before.startswith(HEAD):
        block = yaml.safe_dump({"adopted": {name: dict(value)}}, sort_keys=False, allow_unicode=True)
        raise FoldshipError(
            f"{path}: was written by hand, and is left as it is",
            expected="a recipe that `foldship adopt` wrote, or the name of a new one",
            fix=f"choose another one with --recipe, or add to it:\n\n{block}",
        )
    content: dict[str, Any] = {"models": None} if before is None else load.read(path)
    content["adopted"] = {**(content.get("adopted") or {}), name: dict(value)}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, HEAD + MIXED + yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    try:
        yield
    except BaseException:
        _restore(path, before)
        raise


def _restore(path: Path, before: str | None) -> None:
    if before is None:
        path.unlink()
    else:
        write_text(path, before)
