"""Out-of-fold predictions of other makers, brought into the form of one's own, or refused with the place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foldship.adoption import tables
from foldship.folds import FOLD
from foldship_kernel.errors import DataError, listed
from foldship_kernel.tasks import CLASSES, Task

_SUM = 0.01  # by which a row's probabilities may miss 1
_BEYOND = 0.25  # share of the range by which values may lie outside of it


@dataclass(frozen=True)
class Predictions:
    """Out-of-fold predictions.

    Attributes:
        table: ids as str, a float64 column per target, `fold`; in the order of the training rows.
        numbered: whether `fold` is the number of the adopted fold that did not learn from the row.
        notes: what was found out and assumed, one line each.
    """

    table: pd.DataFrame
    numbered: bool
    notes: tuple[str, ...]


def read(
    path: Path,
    task: Task,
    truth: pd.DataFrame,
    labels: Sequence[str],
    count: int,
    split: pd.DataFrame,
) -> Predictions:
    """Read a file of out-of-fold predictions.

    Args:
        path: CSV or Parquet.
        task: the competition.
        truth: ids and targets of the training rows, in order.
        labels: targets in the order of the model's outputs.
        count: number of adopted folds.
        split: id, group and fold of the training rows as this experiment splits them, in order.

    Raises:
        DataError: it cannot be read, is of other rows, or a prediction is missing or can be none.
    """
    given = tables.read(path)
    ids = [str(value) for value in truth[task.id]]
    column, said = tables.take_ids(given, task.id, ids)
    notes = [said] if said else []
    if column is None:
        if len(given) != len(ids):
            raise DataError(
                f"{path}: without ids rows are known by their position, and there are not as many",
                expected=f"{len(ids)} rows, in the order of the training file; or a column {task.id!r}",
                found=f"{len(given)} rows, columns {listed([*given.columns])}",
                fix=f"write {task.id} into the file",
            )
    else:
        given = _keyed(given, column, ids, path)
    fold = tables.fold_column(given)
    apart = [name for name in (column, fold) if name is not None]
    values = tables.without_index(given.drop(columns=apart))
    names = list(task.targets)
    chosen, found = tables.match(values, names, labels, truth[names].to_numpy(np.float64), path)
    numbers = _numbers(values[chosen], ids, path)
    numbers, said = (_probabilities if task.kind == CLASSES else _within)(numbers, task, ids, path)
    table = pd.DataFrame(numbers, columns=names)
    table.insert(0, task.id, ids)
    table[FOLD], numbered, how = _folds(None if fold is None else given[fold], count, split, path)
    return Predictions(table, numbered, tuple(note for note in (*notes, *found, said, how) if note))


def _keyed(given: pd.DataFrame, column: str, ids: Sequence[str], path: Path) -> pd.DataFrame:
    """The rows in the order of `ids`."""
    known, there = set(ids), set(given[column])
    twice = given[column][given[column].duplicated()]
    strange = [value for value in given[column] if value not in known]
    lacking = [value for value in ids if value not in there]
    for wrong, what in (
        (list(twice), "ids stand there more than once"),
        (strange, "ids are none of the training rows'"),
        (lacking, "training rows are not in it"),
    ):
        if wrong:
            raise DataError(
                f"{path}: {len(wrong)} {what}",
                expected=f"each of the {len(ids)} training rows once",
                found=listed([str(value) for value in wrong]),
                fix="name the DATA that the model was trained on, and the predictions of all its folds",
            )
    return given.set_index(given[column]).loc[list(ids)].reset_index(drop=True)


def _numbers(cells: pd.DataFrame, ids: Sequence[str], path: Path) -> NDArray[np.float64]:
    values = cells.apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    wrong = np.argwhere(~np.isfinite(values))
    if len(wrong):
        row, place = (int(number) for number in wrong[0])
        raise DataError(
            f"{path}: {len(wrong)} predictions are no finite numbers",
            expected="a number in every row and column",
            found=f"{cells.iloc[row, place]!r} for {cells.columns[place]} in row {row + 1} (id {ids[row]})",
            fix="predict these rows, too; a row that no fold held out has no out-of-fold prediction",
        )
    return np.asarray(values)


def _probabilities(
    values: NDArray[np.float64], task: Task, ids: Sequence[str], path: Path
) -> tuple[NDArray[np.float64], str]:
    sums = values.sum(axis=1)
    wrong = np.flatnonzero((values < 0).any(axis=1) | (np.abs(sums - 1) > _SUM))
    if len(wrong):
        row = int(wrong[0])
        raise DataError(
            f"{path}: {len(wrong)} rows hold no probabilities",
            expected="numbers of 0 or more that sum to 1 in every row",
            found=f"lowest {values[row].min():.4g}, sum {sums[row]:.4g} in row {row + 1} (id {ids[row]})",
            fix="write the softmax of the logits, with a column for every class",
        )
    return values / sums[:, None], ""


def _within(
    values: NDArray[np.float64], task: Task, ids: Sequence[str], path: Path
) -> tuple[NDArray[np.float64], str]:
    reach = _BEYOND * (task.high - task.low)
    far = np.argwhere((values < task.low - reach) | (values > task.high + reach))
    if len(far):
        row, place = (int(number) for number in far[0])
        raise DataError(
            f"{path}: {len(far)} predictions lie far outside of the targets' range",
            expected=f"numbers from {task.low:g} to {task.high:g}, in the targets' own units",
            found=f"{values[row, place]:.4g} for {task.targets[place]} in row {row + 1} (id {ids[row]})",
            fix="write predictions as they would be submitted, not logits or scaled targets",
        )
    outside = int(((values < task.low) | (values > task.high)).sum())
    note = f"{outside} predictions are moved into {task.low:g} to {task.high:g}, as the kernel's are"
    return np.clip(values, task.low, task.high), note if outside else ""


def _folds(
    given: pd.Series | None, count: int, split: pd.DataFrame, path: Path
) -> tuple[NDArray[np.int64], bool, str]:
    """Fold of each row, whether these are the adopted folds' numbers, and what was found out."""
    own: NDArray[np.int64] = split[FOLD].to_numpy(np.int64)
    if given is None:
        return own, False, "folds: the file does not name them; scores are nested by this experiment's own"
    numbers = pd.to_numeric(given, errors="coerce").to_numpy(np.float64)
    if not np.isfinite(numbers).all() or (numbers != np.round(numbers)).any():
        wrong = int(np.flatnonzero(~(np.isfinite(numbers) & (numbers == np.round(numbers))))[0])
        raise DataError(
            f"{path}: column {given.name!r} holds no number of a fold in row {wrong + 1}",
            expected="whole numbers",
            found=repr(given.iloc[wrong]),
            fix="mend the column, or leave it out",
        )
    known = sorted(set(numbers.astype(np.int64).tolist()))
    if len(known) == 1:
        return own, False, "folds: the file names one only; scores are nested by this experiment's own"
    places = np.searchsorted(known, numbers.astype(np.int64)).astype(np.int64)
    parts = pd.Series(places).groupby(split["group"].to_numpy()).nunique()
    several = int((parts > 1).sum())
    cut = f"; {several} groups of rows are cut, so scores may be too good" if several else ""
    if len(known) == count and known[0] in (0, 1) and known[-1] - known[0] == count - 1:
        return places, True, f"folds: {known[0]} to {known[-1]}, in the order of the models{cut}"
    said = (
        f"folds: the file has {len(known)}, and {count} models are adopted; they tell what scores are nested "
        f"by, not which model is whose{cut}"
    )
    return places, False, said
