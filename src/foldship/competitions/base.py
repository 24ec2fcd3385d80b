"""A competition ashore: its task, and what training needs besides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from foldship.competitions import classes, judged
from foldship.config.competition import Declared
from foldship.metrics import Score
from foldship.mishaps import step
from foldship_kernel import batching, decisions, opening, tables
from foldship_kernel.errors import DataError, FoldshipError
from foldship_kernel.rows import rename_id
from foldship_kernel.tasks import CLASSES, Task
from foldship_kernel.tasks.texts import fill
from foldship_kernel.text import normalise_all


@dataclass(frozen=True)
class Competition:
    """One competition.

    Attributes:
        name: as in `kernels/<name>/` and `make COMPETITION=<name>`.
        declared: its `competition.yaml`.
        task: what travels of it.
        rare: targets with so few non-zero rows that scores are reported with and without them.
        score: the metric, column by column; the competition's is the mean over the columns.
        also: further metrics that are reported, by name.
        sample: writes a small generated data set with the competition's files into a folder, the same bytes
            every time; None where there is none.
    """

    name: str
    declared: Declared
    task: Task
    rare: tuple[str, ...]
    score: Score
    also: Mapping[str, Score]
    sample: Callable[[Path, Task], None] | None

    @step("reading the training rows in {folder}")
    def read_train(self, folder: Path) -> pd.DataFrame:
        """Read the training rows.

        Returns:
            One row each: id first; text and metadata columns of dtype object (str, or None where empty), a
            float64 column per target: a number, or for classes 1 for that of the row and 0 else.

        Raises:
            DataError: the file or a column is missing or malformed, or holds a value that no target can have.
        """
        task, targets = self.task, self.declared.targets
        path = folder / self.declared.files.train
        judged.check_layout(self.declared)
        wanted = (targets.column,) if targets.column else targets.columns
        rows = self._prepared(self._table(path, (*task.columns, *wanted), self.declared.ids.train), path)
        if task.kind == CLASSES:
            assert targets.column
            hot = classes.one_hot(rows, targets.column, self.declared.targets_by_name, path)
            # A column that is not read may have the name of a class.
            return pd.concat([rows[[name for name in rows.columns if name not in task.targets]], hot], axis=1)
        found = tables.numbers(rows, targets.columns, path, task.low, task.high)
        judged.check_values(found, task.decision, self.declared.metric.name, path)
        found = found.rename(columns=self.declared.targets_by_name)
        return pd.concat([rows.drop(columns=list(targets.columns)), found], axis=1)

    def spelt(self, folder: Path) -> Task:
        """The task, with what only the training file tells of a submission: how values are spelt.

        Raises:
            DataError: the file is missing or malformed.
        """
        task, targets, path = self.task, self.declared.targets, folder / self.declared.files.train
        if targets.column:
            cells = self._table(path, (targets.column,), self.declared.ids.train)[targets.column]
            return replace(task, spellings=classes.spellings(cells, self.declared.targets_by_name))
        rows = self._table(path, targets.columns, self.declared.ids.train)
        values = {
            self.declared.target(name): (rows[name], decisions.parse(rows[name]).to_numpy())
            for name in targets.columns
        }
        if task.decision:
            known = {
                target: decisions.spellings(task.decision, cells, numbers)
                for target, (cells, numbers) in values.items()
            }
            return replace(task, spellings=known)
        fractions = {
            target for target, (_, numbers) in values.items() if (numbers != np.floor(numbers)).any()
        }
        fills = [column for column, target in task.submission.items() if target in fractions]
        return replace(task, placeholder=tuple(dict.fromkeys([*task.placeholder, *fills])))

    def knowing(self, bundled: Task) -> Task:
        """The task, with what a bundle's task knows of the training file."""
        return replace(self.task, spellings=bundled.spellings, placeholder=bundled.placeholder)

    @step("reading the test rows in {folder}")
    def read_unlabelled(self, folder: Path) -> pd.DataFrame:
        """Read the test rows: as `read_train`, without the targets.

        Raises:
            DataError: the file or a column is missing or malformed.
        """
        path = folder / self.task.test
        return self._prepared(self._table(path, self.task.columns, self.declared.ids.test), path)

    def columns(self, folder: Path, names: tuple[str, ...]) -> pd.DataFrame:
        """Columns of the training rows and of the test rows, where there are such, as their files have them.

        Returns:
            The id first; dtype object: str, or None where empty.

        Raises:
            DataError: a file is malformed, or there is no training file.
        """
        ids, test = self.declared.ids, folder / self.task.test
        parts = [self._table(folder / self.declared.files.train, names, ids.train)]
        if opening.there(test):
            parts.append(self._table(test, names, ids.test))
        return pd.concat(parts, ignore_index=True)

    def _table(self, path: Path, required: tuple[str, ...], id_column: str | None) -> pd.DataFrame:
        """A file's rows, the id column first and under the task's name, whatever it is called there."""
        name = self.task.id
        rows = tables.read_table(
            path,
            required=required,
            id_column=id_column,
            records=self.task.records,
            encoding=self.task.encoding,
        )
        if id_column is not None:
            return rename_id(rows, id_column, name)
        numbered = rows.drop(columns=name, errors="ignore")
        numbered.insert(0, name, pd.Series([str(number) for number in rows.index], dtype=object))
        return numbered

    def _prepared(self, rows: pd.DataFrame, path: Path) -> pd.DataFrame:
        try:
            return self.task.prepare(rows, strict=True)
        except DataError as error:
            raise DataError(
                f"{path}: {error.what}", expected=error.expected, found=error.found, fix=error.fix
            ) from error

    def contradictions(self, rows: pd.DataFrame) -> list[list[str]]:
        """Ids of training rows with the same texts but other classes, by texts; none for numbers."""
        if self.task.kind != CLASSES:
            return []
        keyed = pd.DataFrame(self.task.raw_texts(rows), index=rows.index).astype(str)
        keyed["class"] = rows[list(self.task.targets)].to_numpy().argmax(axis=1)
        parts = keyed.groupby(list(self.task.texts), sort=False)
        return [
            [str(value) for value in rows.loc[part.index, self.task.id]]
            for _, part in parts
            if part["class"].nunique() > 1
        ]

    def groups(self, rows: pd.DataFrame) -> pd.Series:
        """Group of each row, a short str; rows of one group must share a fold. Same index as the rows."""
        names, task = self.declared.group, self.task
        # No other texts: they would be normalised for nothing.
        texts = {name: normalise_all(fill(task.texts[name], rows)) for name in names}
        found = task.groups(texts, rows[task.id])
        if self.declared.group_by == "linked":
            found = _linked([texts[name] for name in names], list(rows[task.id]))
        return pd.Series(found, index=rows.index, name="group", dtype=object)

    def write_sample(self, folder: Path) -> None:
        """Write the generated sample into a folder.

        Raises:
            FoldshipError: there is none.
        """
        if self.sample is None:
            raise FoldshipError(
                f"competition {self.name}: there is no generated sample",
                expected="DATA=, the folder with the competition's own files",
                fix="name that folder with DATA=... or --data ...",
            )
        self.sample(folder, self.task)


def _linked(texts: list[list[str]], ids: list[str]) -> list[str]:
    """Names of groups: rows that share a text, whichever of theirs it is, belong together, and so on."""
    every = np.array([text for column in texts for text in column], dtype=object)
    numbers = np.asarray(pd.factorize(every)[0], dtype=np.int64)
    empty = np.flatnonzero(every == "")
    numbers[empty] = len(every) + np.arange(len(empty))  # what is empty is like nothing else
    component = batching.together(numbers.reshape(len(texts), -1).T)
    _, first, place = np.unique(component, return_index=True, return_inverse=True)
    return [ids[number] for number in first[place]]
