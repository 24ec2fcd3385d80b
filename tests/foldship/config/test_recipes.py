"""The recipes that the project ships."""

from __future__ import annotations

from pathlib import Path

import pytest

from foldship.config import load

KERNELS = Path(__file__).resolve().parents[3] / "kernels"
RECIPES = [
    (folder, path.relative_to(folder / "recipes").with_suffix("").as_posix())
    for folder in sorted(path.parent for path in KERNELS.glob("*/recipes"))
    for path in sorted((folder / "recipes").rglob("*.yaml"))
]
IDEAS = [recipe for _, recipe in RECIPES if recipe.startswith("ablation/") and recipe != "ablation/base"]


@pytest.mark.parametrize(("folder", "recipe"), RECIPES, ids=[recipe for _, recipe in RECIPES])
def test_a_recipe_can_be_used(folder: Path, recipe: str) -> None:
    assert load.load(folder, recipe).competition == folder.name


@pytest.mark.parametrize("recipe", IDEAS)
def test_an_idea_changes_something_of_the_base_and_neither_folds_nor_name(recipe: str) -> None:
    base, idea = (load.load(KERNELS / "quest", name) for name in ("ablation/base", recipe))
    assert idea != base
    assert idea.folds == base.folds and idea.models.keys() == base.models.keys()
