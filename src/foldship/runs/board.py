"""The runs that were kept: read, sorted, found by the beginning of their name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from foldship.runs.record import FILE_NAME, FORMAT, NESTED, RAW
from foldship_kernel.errors import DataError, FoldshipError, listed
from foldship_kernel.tables import read_table

SECTIONS = ("truth", "recipe", "config", "finished", "scores", "models", "rows", "code", "data")
REMOVE = "remove its folder, and run `make train` again with its recipe"


@dataclass(frozen=True)
class Run:
    """One run.

    Attributes:
        name: of its folder.
        folder: with `run.json` and the tables.
        facts: the content of `run.json`.
    """

    name: str
    folder: Path
    facts: Mapping[str, Any]

    def score(self, columns: str, kind: str) -> float | None:
        """A score of the blend, see `foldship.selection.scores.summary`."""
        value = self.facts["scores"][columns][kind]
        return None if value is None else float(value)

    @property
    def truth(self) -> pd.DataFrame:
        """Id (str), `group` (str) and targets of the training rows."""
        return _table(self.folder.parent / str(self.facts["truth"]), ("group",))

    @property
    def raw(self) -> pd.DataFrame:
        """Blended out-of-fold predictions: id (str), targets, `fold`."""
        return _table(self.folder / RAW, ("fold",))

    @property
    def nested(self) -> pd.DataFrame:
        """The same post-processed; comparable within a fold only."""
        return _table(self.folder / NESTED, ("fold",))


def load(folder: Path) -> Run:
    """Read a run.

    Raises:
        FoldshipError: `run.json` is missing, damaged, or of another version.
    """
    path = folder / FILE_NAME
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FoldshipError(f"{path}: cannot be read", found=str(error), fix=REMOVE) from error
    lacking = [name for name in SECTIONS if name not in facts] if isinstance(facts, dict) else SECTIONS
    if lacking or facts.get("format") != FORMAT:
        raise FoldshipError(
            f"{path}: no record of a run that this version can read",
            expected=f"format {FORMAT}",
            found=f"without {', '.join(lacking)}" if lacking else f"format {facts.get('format')}",
            fix=REMOVE,
        )
    return Run(folder.name, folder, facts)


def load_all(runs: Path) -> tuple[list[Run], list[str]]:
    """All runs, the best first, and a line on each that cannot be read.

    Sorted by nested score over all columns; where there is none, by the raw score.
    """
    found, notes = [], []
    for folder in sorted(path.parent for path in runs.glob(f"[!.]*/{FILE_NAME}")):
        try:
            found.append(load(folder))
        except FoldshipError as error:
            notes.append(f"left out: {error.what}")
    return sorted(found, key=_rank), notes


def find(runs: Path, name: str) -> Run:
    """The run whose name begins with `name`; failing that, the latest run of the recipe of this name.

    Raises:
        FoldshipError: there is none, there are several, or it cannot be read.
    """
    known = sorted(path.parent.name for path in runs.glob(f"[!.]*/{FILE_NAME}"))
    fitting = [full for full in known if name and full.startswith(name)]
    of_recipe = [] if fitting else [run for run in load_all(runs)[0] if run.facts["recipe"] == name]
    if of_recipe:
        return max(of_recipe, key=lambda run: str(run.facts["finished"]))
    if len(fitting) != 1:
        raise FoldshipError(
            f"there is no run {name!r}" if not fitting else f"{len(fitting)} runs begin with {name!r}",
            expected="the beginning of one run's name, or a recipe",
            found=listed(fitting or known) or "no run at all",
            fix="`foldship runs` lists them; `make train` makes one",
        )
    return load(runs / fitting[0])


def same_rows(first: Run, second: Run) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Raw tables of two runs in the same order, and the truth of these rows.

    Raises:
        DataError: the runs were scored on different rows or targets.
    """
    one, other = first.raw, second.raw
    key = str(one.columns[0])
    if first.facts["truth"] != second.facts["truth"] or set(one[key]) != set(other.iloc[:, 0]):
        raise DataError(
            f"runs {first.name} and {second.name} cannot be compared: they were scored on different rows",
            expected="the same training rows, predicted out-of-fold in both",
            found=f"{len(one)} rows of {first.facts['truth']} and {len(other)} of {second.facts['truth']}",
            fix="run `make train` with the same DATA for both",
        )
    order = list(one[key])
    return one, aligned(other, order), aligned(first.truth, order)


def aligned(table: pd.DataFrame, ids: Sequence[str]) -> pd.DataFrame:
    """Rows of a table, id column first, in the order of these ids."""
    return table.set_index(table.columns[0]).loc[list(ids)].reset_index()


def _table(path: Path, required: tuple[str, ...]) -> pd.DataFrame:
    try:
        id_column = path.open(encoding="utf-8").readline().split(",")[0].strip()
        table = read_table(path, required=required, id_column=id_column)
        plain = [name for name in table.columns if name not in (id_column, "group")]
        return table.assign(**{name: pd.to_numeric(table[name]) for name in plain})
    except (OSError, ValueError) as error:
        raise FoldshipError(f"{path}: cannot be read", found=str(error), fix=REMOVE) from error


def _rank(run: Run) -> tuple[float, str]:
    score = run.score("all", "nested")
    score = run.score("all", "raw") if score is None else score
    return (-score if score is not None else 1.0, run.name)
