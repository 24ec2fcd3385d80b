"""The rows to predict and the template of the submission, from files of which either may be odd or missing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from foldship_kernel import opening
from foldship_kernel.errors import DataError, listed
from foldship_kernel.lenient import templates
from foldship_kernel.lenient.rows import LenientRows, table_of
from foldship_kernel.lenient.templates import Opened
from foldship_kernel.mended import Mended, Mending
from foldship_kernel.records import Records
from foldship_kernel.records import open_rows as open_strictly
from foldship_kernel.rows import FrameRows, PreparedRows, Rows, rename_id
from foldship_kernel.tasks.base import Template

if TYPE_CHECKING:
    from foldship_kernel.tasks.task import Task


@dataclass(frozen=True)
class _Asked:
    """What is read of a file."""

    path: Path
    records: Records | None
    required: Sequence[str]
    id_column: str
    encoding: str

    def strictly(self) -> Opened | None:
        """The rows as they are read ashore; None where that refuses them."""
        try:
            rows = open_strictly(
                self.path,
                self.records,
                required=self.required,
                id_column=self.id_column,
                strict=False,
                encoding=self.encoding,
            )
        except (DataError, OSError):
            return None
        return Opened(rows, rows.columns)

    def leniently(self, known: Sequence[str]) -> Opened:
        """The rows that can be found.

        Raises:
            DataError: the file cannot be read at all.
        """
        try:
            source = opening.source(self.path, self.encoding)
            rows = LenientRows(
                source, self.records, required=self.required, id_column=self.id_column, known=known
            )
        except OSError as error:
            raise DataError(f"{self.path}: cannot be read", found=str(error)) from error
        return Opened(rows, rows.columns, rows.missing, rows.written, rows.numbered, rows.mended)

    def share_found(self) -> float:
        """Share of the columns, the id's among them, that the file has."""
        try:
            source = opening.source(self.path, self.encoding)
            table = table_of(source, self.records, self.required, self.id_column, (), Mending(""))
        except (DataError, OSError):
            return 0.0
        there = sum(name in table.columns for name in self.required) + (table.place is not None)
        return there / (len(self.required) + 1)


@dataclass(frozen=True)
class _Found:
    """Both files, each None where it cannot be read, and why."""

    test: Opened | None
    sample: Opened | None
    troubles: tuple[Mended, ...]


def read(task: Task, folder: Path, needed: Collection[str] | None = None) -> tuple[Rows, Template]:
    """Read what can be read of the test file and the sample submission; see `Task.read_test`.

    Args:
        task: the competition.
        folder: with its files.
        needed: columns that the shipped models read; None for all of the task's.

    Raises:
        DataError: neither file can be read, or they are another competition's.
    """
    test, sample = _asked(task, folder)
    found = _open_both(test, sample)
    _check_fits(task, folder, found)
    mended: list[Mended] = [*found.troubles]
    if found.test is None:
        empty = pd.DataFrame({name: pd.Series(dtype=object) for name in (task.id, *task.columns)})
        rows: Rows = FrameRows(empty, task.id)
    else:
        rows = found.test.rows
        mended += found.test.mended
        notes = Mending(task.test)
        for name in found.test.missing:
            if needed is None or name in needed:
                notes.note("columns that are not there, taken as empty by the models that read them", name)
        mended += notes.found
    if test.id_column != task.id:
        rows = PreparedRows(rows, partial(rename_id, called=test.id_column, wanted=task.id))
    if task.derive or task.retrieval is not None:
        rows = PreparedRows(rows, partial(task.prepare, strict=False))
    if found.sample is None:
        made = Template(task.id, rows.ids, (task.id, *task.submission))
    else:
        mended += found.sample.mended
        numbered = found.test is not None and found.test.numbered
        made = templates.make(task, rows.ids, found.sample, numbered=numbered)
    return rows, replace(made, mended=(*mended, *made.mended))


def fit(task: Task, folder: Path) -> float:
    """How well a folder's files fit a competition: 0, not at all, to 2, both have all columns that they must."""
    return sum(asked.share_found() for asked in _asked(task, folder) if asked is not None)


def _asked(task: Task, folder: Path) -> tuple[_Asked, _Asked | None]:
    """What is read of the test file, and of the sample where there is one."""
    called = task.test_id or task.id
    test = _Asked(folder / task.test, task.records, task.columns, called, task.encoding)
    if task.template is None:
        return test, None
    return test, _Asked(folder / task.template, None, tuple(task.submission), task.id, task.encoding)


def _open_both(test: _Asked, sample: _Asked | None) -> _Found:
    """Open both files, strictly where that can be done; each tells the other's reading what ids there are."""
    troubles: list[Mended] = []

    def opened(asked: _Asked, strict: Opened | None, known: Sequence[str]) -> Opened | None:
        if strict is not None:
            return strict
        try:
            return asked.leniently(known)
        except DataError as error:
            troubles.append(Mended(f"{asked.path.name}: cannot be read", 1, str(error)))
            return None

    strict = test.strictly()
    template = None
    if sample is not None:
        template = opened(sample, sample.strictly(), () if strict is None else strict.rows.ids)
    known = () if template is None else template.rows.ids
    rows = opened(test, strict, known)
    if strict is not None and set(known) - set(strict.rows.ids):
        # Where two quotes too many make a pair, all rows between them lie within one text, without a word.
        other = test.leniently(known)
        if len(set(known) & set(other.rows.ids)) > len(set(known) & set(strict.rows.ids)):
            rows = other
    return _Found(rows, template, tuple(troubles))


def _check_fits(task: Task, folder: Path, found: _Found) -> None:
    """Refuse the files of another competition.

    Raises:
        DataError: none of the columns that are read is there, and the sample does not make up for it.
    """
    test = () if found.test is None else [name for name in task.columns if name not in found.test.missing]
    sample = (
        ()
        if found.sample is None
        else [name for name in task.submission if name not in found.sample.missing]
    )
    if test or (found.sample is not None and not found.sample.numbered and len(sample) == len(task.submission)):
        return
    raise DataError(
        f"{folder}: these are not {task.name}'s files, or cannot be read",
        expected=f"columns {listed(task.columns)} in {task.test}",
        found="; ".join(str(trouble) for trouble in found.troubles) or "none of them",
        fix="attach the competition to the kernel (competition_sources in kernel-metadata.json)",
    )
