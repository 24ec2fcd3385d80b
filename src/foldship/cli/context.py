"""What every verb starts from: the competition, its data and the experiment."""

from __future__ import annotations

import filecmp
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import click
import pandas as pd

from foldship import competitions, unpacking
from foldship.cli import retrieving
from foldship.cli.recipes import RecipeOption
from foldship.competitions.base import Competition
from foldship.config import load
from foldship.config.schema import Experiment
from foldship.mishaps import details, step
from foldship.workspace import Workspace, find_root


@dataclass(frozen=True)
class Context:
    """One run of the program.

    Attributes:
        workspace: where files go.
        competition: the competition.
        experiment: settings with the recipe laid over them.
        recipe: the recipe's name.
        data: folder with the competition's own files.
    """

    workspace: Workspace
    competition: Competition
    experiment: Experiment
    recipe: str
    data: Path

    @cached_property
    def plain_rows(self) -> pd.DataFrame:
        """Training rows, checked, without the passages that are found for them."""
        return self.competition.read_train(self.data)

    @cached_property
    def rows(self) -> pd.DataFrame:
        """Training rows as models read them."""
        return self.with_passages(self.plain_rows)

    def with_passages(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows with the passages that models read beside them, where the competition has such."""
        return retrieving.with_passages(self, rows)

    @cached_property
    def generated(self) -> bool:
        """Whether the training rows are the generated sample, wherever that lies."""
        if self.data == self.workspace.sample:
            return True
        if self.competition.sample is None:
            return False
        name = self.competition.declared.files.train
        with tempfile.TemporaryDirectory() as folder:
            self.competition.write_sample(Path(folder))
            ours, given = Path(folder) / name, self.data / name
            return given.is_file() and filecmp.cmp(ours, given, shallow=False)

    @cached_property
    def index(self) -> Path:
        """Folder of the index of passages, made or found whole once a run."""
        return retrieving.index(self)

    @cached_property
    def truth(self) -> pd.DataFrame:
        """Id and targets of the training rows."""
        task = self.competition.task
        return self.rows[[task.id, *task.targets]]

    @property
    def models(self) -> dict[str, Path]:
        """Folder of each model of the experiment."""
        return {name: self.workspace.model(name) for name in self.experiment.names}


def root() -> Path:
    """The project's folder: FOLDSHIP_ROOT, or the nearest one from here upwards.

    Raises:
        FoldshipError: there is none.
    """
    named = os.environ.get("FOLDSHIP_ROOT")
    return (Path(named) if named else find_root(Path.cwd())).resolve()


def open_workspace(competition: str, *, new: bool = False) -> Workspace:
    """Find the project, for what needs neither its settings nor data.

    Args:
        competition: its name.
        new: whether it is yet to be declared.

    Raises:
        FoldshipError: there is no project, or no such competition in it.
    """
    workspace = Workspace(root(), competition)
    if not new:
        competitions.check(workspace.root / "kernels", competition)
    details.keep_in(workspace.errors)
    return workspace


def competition_of(workspace: Workspace) -> Competition:
    """The workspace's competition, as its `competition.yaml` declares it."""
    return competitions.get(workspace.experiment.parent, workspace.competition)


@step("reading the settings of {competition}, recipe {recipe}")
def open_context(competition: str, data: Path | None, recipe: str) -> Context:
    """Find the project, read the settings, and write the sample data when no data is named."""
    workspace = open_workspace(competition)
    chosen = competition_of(workspace)
    experiment = load.load(workspace.experiment, recipe)
    if data is None:
        workspace.sample.mkdir(parents=True, exist_ok=True)
        chosen.write_sample(workspace.sample)
        data = workspace.sample
    else:
        files = chosen.declared.files
        data = unpacking.folder(data.expanduser(), (files.train, files.test), workspace.unpacked)
    return Context(workspace, chosen, experiment, recipe, data.resolve())


def shared_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The three options that every verb has."""
    for option in (
        click.option(
            "--recipe",
            cls=RecipeOption,
            default="fast",
            show_default=True,
        ),
        click.option(
            "--data",
            type=click.Path(path_type=Path),
            help="Folder with the competition's own files, or their archive.  [default: generated sample "
            "data]",
        ),
        click.option("--competition", default="quest", show_default=True, help="Which competition."),
    ):
        command = option(command)
    return command
