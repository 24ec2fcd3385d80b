"""Cross-validation folds: grouped, made once, kept in a file and keyed by id."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from foldship_kernel.atomic import write_csv
from foldship_kernel.errors import DataError, listed
from foldship_kernel.tables import numbers, read_table

GROUP, FOLD = "group", "fold"
# A target that is non-zero in fewer rows than this is spread over the folds on purpose; others need no help.
_SCARCE = 0.1
_NO_RARE_TARGET = -1


def make(ids: pd.Series, groups: pd.Series, targets: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """Split rows into folds so that no group is cut and scarce targets are in all folds where possible.

    The same rows in another order get the same folds.

    Args:
        ids: (rows,) distinct ids as str; the name of the series names the id column.
        groups: (rows,) group of each row, as str.
        targets: (rows, targets) numbers.
        count: number of folds.
        seed: of the shuffling.

    Returns:
        One row per id, in the order of `ids`: the id column, `group` (str), `fold` (int64, from 0).

    Raises:
        DataError: there are fewer groups than folds.
    """
    if (found := int(groups.nunique())) < count:
        raise DataError(
            f"too few groups of rows for {count} folds",
            expected=f"at least {count} groups",
            found=f"{found} in {len(groups)} rows",
            fix="ask for fewer folds, or give more data",
        )
    order = np.argsort(ids.to_numpy(str), kind="stable")
    labels = _rarest_target(targets.to_numpy(np.float64))[order]
    keys = groups.to_numpy(str)[order]
    splitter = StratifiedGroupKFold(n_splits=count, shuffle=True, random_state=seed)
    if np.unique(labels, return_counts=True)[1].max() < count:
        labels = np.zeros_like(labels)  # next to no rows: nothing can be balanced, and the splitter refuses
    fold = np.zeros(len(ids), dtype=np.int64)
    with warnings.catch_warnings():
        # A label that is too scarce for all folds is expected here; `notes` tells what follows from it.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        for number, (_, held_out) in enumerate(splitter.split(keys, labels, keys)):
            fold[order[held_out]] = number
    table = pd.DataFrame({str(ids.name): ids.to_numpy(), GROUP: groups.to_numpy(), FOLD: fold})
    return table.astype({str(ids.name): object, GROUP: object})


def notes(table: pd.DataFrame, targets: pd.DataFrame) -> list[str]:
    """Say where a column has no score: one line per target and folds in which it has a single value.

    Args:
        table: as `make` returns it.
        targets: (rows, targets) numbers, in the order of `table`.
    """
    fold = table[FOLD].to_numpy()
    single = targets.reset_index(drop=True).groupby(fold).nunique() < 2
    result = []
    for name in targets.columns:
        without = [str(number) for number in single.index[single[name]]]
        if without:
            result.append(
                f"{name}: one value only in fold{'s' if len(without) > 1 else ''} {', '.join(without)} "
                f"({int((targets[name] != 0).sum())} non-zero rows in all), so it has no score there"
            )
    return result


def load_or_make(
    path: Path, ids: pd.Series, groups: pd.Series, targets: pd.DataFrame, count: int, seed: int
) -> pd.DataFrame:
    """Return the folds kept at `path`; make and keep them when there is no such file yet.

    Args:
        path: CSV file; its folder is made when missing.
        ids, groups, targets, count, seed: as for `make`.

    Returns:
        As `make`, in the order of `ids`, whatever the order of the file.

    Raises:
        DataError: the file does not fit the rows: other ids, other groups, or another number of folds.
    """
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_csv(path, make(ids, groups, targets, count, seed))
    id_column = str(ids.name)
    kept = read_table(path, required=(GROUP, FOLD), id_column=id_column)
    kept[FOLD] = numbers(kept, (FOLD,), path, 0, 10**6)[FOLD].astype(np.int64)
    _check_ids(path, list(kept[id_column]), list(ids))
    places = pd.Index(kept[id_column]).get_indexer(pd.Index(ids))
    table: pd.DataFrame = kept.loc[places, [id_column, GROUP, FOLD]].reset_index(drop=True)
    _check_groups(path, table, groups)
    if set(table[FOLD]) != set(range(count)):
        raise _stale(path, "another number of folds", f"{count}", f"{table[FOLD].nunique()}")
    return table


def _rarest_target(targets: NDArray[np.float64]) -> NDArray[np.int64]:
    """(rows,) the scarcest target that is non-zero in each row, or `_NO_RARE_TARGET`; or its class."""
    present = targets != 0
    if (present.sum(axis=1) == 1).all():  # classes: folds are stratified by all of them
        return np.asarray(present.argmax(axis=1), dtype=np.int64)
    counts = present.sum(axis=0)
    labels = np.full(len(targets), _NO_RARE_TARGET, dtype=np.int64)
    scarce = np.flatnonzero((counts > 0) & (counts < _SCARCE * len(targets)))
    for column in sorted(scarce, key=lambda place: -counts[place]):
        labels[present[:, column]] = column
    return labels


def _check_ids(path: Path, kept: list[str], ids: list[str]) -> None:
    known, wanted = set(kept), set(ids)
    if known != wanted:
        new, gone = [i for i in ids if i not in known], [i for i in kept if i not in wanted]
        found = [
            f"{len(part)} ids {what} ({listed(part)})"
            for part, what in ((new, "new"), (gone, "gone"))
            if part
        ]
        raise _stale(
            path, "the folds were made for other rows", f"the {len(ids)} ids of the data", "; ".join(found)
        )


def _check_groups(path: Path, kept: pd.DataFrame, groups: pd.Series) -> None:
    differs = kept[GROUP].to_numpy(str) != groups.to_numpy(str)
    if differs.any():
        changed = [str(value) for value in kept.iloc[:, 0][differs]]
        raise _stale(
            path,
            "the folds were made for other texts",
            "the groups of the data",
            f"changed: {listed(changed)}",
        )
    if (kept.groupby(GROUP)[FOLD].nunique() > 1).any():
        raise _stale(path, "a group is cut", "all rows of a group in one fold", "one in several")


def _stale(path: Path, what: str, expected: str, found: str) -> DataError:
    return DataError(
        f"{path}: {what}",
        expected=expected,
        found=found,
        fix=f"train on the data it was made for, or remove {path.parent} and all folds trained on it",
    )
