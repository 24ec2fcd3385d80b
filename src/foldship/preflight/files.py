"""The test file and the sample submission, as strictly as they are read at home."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from foldship.competitions.base import Competition
from foldship_kernel import opening
from foldship_kernel.errors import DataError, MissingColumnError, listed
from foldship_kernel.records import Records, open_rows

# Words that names of tables are made with, and those that belong to other tables.
KINDS = {"test": re.compile(r"(?<![a-z])test"), "sample": re.compile(r"(?<![a-z])(sample|submission)")}
OTHERS = {"test": re.compile("train|submission"), "sample": re.compile("train|test")}
TABLES = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".parquet", ".zip", ".gz")


@dataclass(frozen=True)
class Table:
    """A file of the competition, read.

    Attributes:
        path: the file.
        id: its id column.
        rows: all named columns, cells of text or None, the id first.
    """

    path: Path
    id: str
    rows: pd.DataFrame

    @property
    def ids(self) -> list[str]:
        """The rows' ids, as they stand there."""
        return list(self.rows[self.id])


class AbsentError(DataError):
    """A file that is not there, and nothing that could be meant by it."""


class OddError(DataError):
    """A file that home refuses and the kernel reads all the same."""


def test(competition: Competition, folder: Path) -> Table:
    """Read the rows to predict.

    Raises:
        AbsentError: there is no such file.
        OddError: it is malformed.
        DataError: a column is missing, or another file is meant.
    """
    task = competition.task
    called = competition.declared.ids.test
    return _read(folder / task.test, "test", called, task.columns, task.records, task.encoding)


def sample(competition: Competition, folder: Path) -> Table | None:
    """Read the sample submission; None where the competition has none. Raises as `test`."""
    task = competition.task
    return (
        None
        if task.template is None
        else _read(folder / task.template, "sample", task.id, (), None, task.encoding)
    )


def _read(
    path: Path, key: str, id_column: str, required: Sequence[str], records: Records | None, encoding: str
) -> Table:
    if not opening.there(path):
        raise _absent(path, key)
    try:
        rows = open_rows(
            path, records, required=required, id_column=id_column, strict=True, encoding=encoding
        )
        return Table(path, id_column, pd.concat(list(rows.chunks())))
    except MissingColumnError:
        raise
    except DataError as error:
        raise OddError(error.what, expected=error.expected, found=error.found, fix=error.fix) from error


def _absent(path: Path, key: str) -> DataError:
    """A file that is not there; another one that looks like it is named."""
    there = sorted(entry.name for entry in path.parent.glob("*") if entry.is_file())
    alike = [name for name in there if _looks_like(name.lower(), key)]
    if alike:
        return DataError(
            f"{path}: no such file, but {listed(alike)}",
            expected=f"a file {path.name!r}, as competition.yaml has it",
            found=f"in {path.parent}: {listed(there)}",
            fix=f"write into competition.yaml: files: {{{key}: {alike[0]}}}",
        )
    error = opening.missing_error(path)
    return AbsentError(error.what, expected=error.expected, found=error.found, fix=error.fix)


def _looks_like(name: str, key: str) -> bool:
    return bool(name.endswith(TABLES) and KINDS[key].search(name) and not OTHERS[key].search(name))
