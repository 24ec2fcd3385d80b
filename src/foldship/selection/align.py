"""Truth and several models' out-of-fold predictions, joined by id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foldship_kernel.errors import DataError

FOLD = "fold"
RETRAIN = "run `make train` with the same DATA; folds that are finished and still fit are kept"
MEND = "mend the training data, then run `make train`"
SHOWN = 5


@dataclass(frozen=True)
class OutOfFold:
    """Rows that every model has predicted out-of-fold, in the order of the truth.

    Attributes:
        ids: (n,) ids.
        targets: C names.
        truth: (n, C) float64.
        predictions: (n, C) float64 per model.
        folds: (n,) int64, the fold that each row was held out in.
        notes: what a person should know, one line each.
        groups: (n,) int64, equal for rows that belong together.
        group_targets: those of the targets that belong to a row's group alone.
        voting: whether the predictions are votes for classes.
    """

    ids: tuple[str, ...]
    targets: tuple[str, ...]
    truth: NDArray[np.float64]
    predictions: Mapping[str, NDArray[np.float64]]
    folds: NDArray[np.int64]
    notes: tuple[str, ...]
    groups: NDArray[np.int64]
    group_targets: tuple[str, ...] = ()
    voting: bool = False


def align(
    truth: pd.DataFrame,
    oof: Mapping[str, pd.DataFrame],
    groups: pd.Series | None = None,
    group_targets: Sequence[str] = (),
) -> OutOfFold:
    """Join by id. Only rows that all models predicted are kept: some folds may not be trained yet.

    Args:
        truth: the id column first, then one column per target.
        oof: per model the same columns and `fold`, in any order.
        groups: group of each row of the truth, in its order; None where each row stands for itself.
        group_targets: targets that belong to a row's group alone.

    Raises:
        DataError: the truth repeats an id or holds a value that is no finite number; there is no model or no
            common row; a model lacks a column, repeats an id, knows an id that is not in the truth, holds a
            value that is no finite number, or has other folds than the first model.
    """
    id_column, *targets = (str(name) for name in truth.columns)
    if not oof:
        raise DataError("there are no out-of-fold predictions", expected="at least one model", fix=RETRAIN)
    _checked("training data", truth.assign(**{FOLD: 0}), id_column, targets, MEND)
    tables = {
        name: _checked(f"out-of-fold predictions of {name}", table, id_column, targets)
        for name, table in sorted(oof.items())
    }
    index = pd.Index(truth[id_column].astype(str))
    common = index
    for name, table in tables.items():
        strangers = table.index.difference(index)
        if len(strangers):
            raise DataError(
                f"{name}: its out-of-fold predictions are for other rows than the training data",
                expected=f"ids of the {len(index)} training rows",
                found=f"{len(strangers)} other ids: {_some(strangers)}",
                fix=RETRAIN,
            )
        common = common[common.isin(table.index)]
    if not len(common):
        raise DataError(
            "no row was predicted out-of-fold by every model",
            expected="the same folds trained in every model",
            found=", ".join(f"{name}: folds {_folds(table)}" for name, table in tables.items()),
            fix=RETRAIN,
        )
    folds = _common_folds(tables, common)
    notes = []
    if len(common) < len(index):
        notes.append(
            f"{len(common)} of {len(index)} training rows are used, the others lack a model's prediction "
            f"(folds trained: {'; '.join(f'{name} {_folds(table)}' for name, table in tables.items())})"
        )
    return OutOfFold(
        ids=tuple(common),
        targets=tuple(targets),
        truth=truth.set_index(index)[targets].loc[common].to_numpy(dtype=np.float64),
        predictions={name: table.loc[common, targets].to_numpy(np.float64) for name, table in tables.items()},
        folds=folds,
        notes=tuple(notes),
        groups=_codes(index, groups)[index.get_indexer(common)],
        group_targets=tuple(group_targets),
    )


def _codes(index: pd.Index, groups: pd.Series | None) -> NDArray[np.int64]:
    """A number for each row's group."""
    if groups is None:
        return np.arange(len(index))
    return np.asarray(pd.factorize(groups.to_numpy())[0], dtype=np.int64)


def _checked(
    name: str, table: pd.DataFrame, id_column: str, targets: Sequence[str], fix: str = RETRAIN
) -> pd.DataFrame:
    wanted = [id_column, *targets, FOLD]
    missing = [column for column in wanted if column not in table.columns]
    if missing:
        raise DataError(
            f"{name}: columns are missing",
            expected=", ".join(wanted),
            found="without " + ", ".join(missing),
            fix=fix,
        )
    keyed: pd.DataFrame = table.set_index(table[id_column].astype(str))[[*targets, FOLD]]
    twice = keyed.index[keyed.index.duplicated()]
    if len(twice):
        raise DataError(
            f"{name}: ids are there more than once",
            expected="each row once",
            found=_some(twice),
            fix=fix,
        )
    numbers = pd.DataFrame(
        {column: pd.to_numeric(keyed[column], errors="coerce").astype("float64") for column in keyed}
    )
    bad = ~np.isfinite(numbers.to_numpy())
    if bad.any():
        row, column = (int(place[0]) for place in np.nonzero(bad))
        raise DataError(
            f"{name}: {int(bad.sum())} values are no finite numbers",
            expected="numbers in every row and column",
            found=f"{keyed.iloc[row, column]!r} for {keyed.columns[column]} of id {keyed.index[row]}",
            fix=fix,
        )
    return numbers


def _common_folds(tables: Mapping[str, pd.DataFrame], common: pd.Index) -> NDArray[np.int64]:
    (first, reference), *others = tables.items()
    folds: NDArray[np.int64] = reference.loc[common, FOLD].to_numpy(np.int64)
    for name, table in others:
        differs = common[table.loc[common, FOLD].to_numpy(np.int64) != folds]
        if len(differs):
            raise DataError(
                f"{name} and {first} were trained on different folds",
                expected="the same fold for each row, so that no score is helped by rows seen in training",
                found=f"{len(differs)} rows differ, ids {_some(differs)}",
                fix=RETRAIN,
            )
    return folds


def _some(ids: pd.Index) -> str:
    return ", ".join(map(str, ids[:SHOWN])) + (" ..." if len(ids) > SHOWN else "")


def _folds(table: pd.DataFrame) -> str:
    return ",".join(str(int(fold)) for fold in sorted(table[FOLD].unique()))
