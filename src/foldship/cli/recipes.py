"""Which recipes there are, as their files say."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import click

from foldship.config import load

SHOWN = 5


class RecipeOption(click.Option):
    """`--recipe`, whose help names the recipes that lie in the project's `kernels/`."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The option's help, made when somebody asks for it."""
        from foldship.cli.context import root
        from foldship_kernel.errors import FoldshipError

        try:
            found = listing(root() / "kernels")
        except FoldshipError:  # no project: help is still help
            found = ""
        self.help = f"A file in kernels/<competition>/recipes, which says what it is. {found}".strip()
        return super().get_help_record(ctx)


def listing(kernels: Path) -> str:
    """All recipes, first those that every competition has."""
    having: dict[str, list[str]] = defaultdict(list)
    folders = sorted(path for path in kernels.glob("*/recipes") if path.is_dir())
    for folder in folders:
        for name in load.recipes(folder):
            having[name].append(folder.parent.name)
    everywhere = [name for name, places in having.items() if len(places) == len(folders)]
    elsewhere = [
        f"{name} ({', '.join(places)})"
        for name, places in sorted(having.items())
        if len(places) < len(folders)
    ]
    return "There are: " + ", ".join([*everywhere, *elsewhere]) + "." if having else ""
