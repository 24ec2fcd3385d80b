"""Other people's tables: which column is which, told by names and contents, and said aloud."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foldship_kernel.errors import DataError, listed

_AFFIX = re.compile(
    r"^(?:oof|preds?|predictions?|predicted|probs?|proba|probability|p|class|label|target)[ _.:-]+"
    r"|[ _.:-]+(?:oof|preds?|predictions?|predicted|probs?|proba|probability)$",
    re.IGNORECASE,
)
_FOLD = frozenset({"fold", "folds", "kfold", "fold_id", "foldid", "cv_fold"})
SHOWN = 3  # columns that are named of many
_LIKELY = 0.5  # share of ids above which a column is meant to hold them, and the others are errors
_INDEX = re.compile(r"(?:unnamed: \d+.*|index|level_0|)$", re.IGNORECASE)


def read(path: Path) -> pd.DataFrame:
    """All cells of a CSV or Parquet file as text, column names without white space and byte order mark.

    Raises:
        DataError: it is missing, empty, no such file, or a column is there twice.
    """
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            table = pd.read_parquet(path).reset_index().astype(str)
        else:
            table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
            if not isinstance(table.index, pd.RangeIndex):  # the header is one name short, as R writes it
                table = table.reset_index(names="")
    except ImportError as error:
        raise DataError(f"{path}: no library for Parquet here", fix="save the table as CSV") from error
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path}: cannot be read",
            expected="CSV in UTF-8 with a header, or Parquet",
            found=str(error).splitlines()[0],
            fix="correct the path, or save the table again",
        ) from error
    table.columns = pd.Index([str(name).strip("\ufeff \t") for name in table.columns])
    twice = table.columns[table.columns.duplicated()]
    if len(twice) or table.empty:
        raise DataError(
            f"{path}: {'no rows' if table.empty else f'column {twice[0]!r} is there twice'}",
            fix="save the table again",
        )
    return table


def take_ids(table: pd.DataFrame, id_column: str, ids: Sequence[str]) -> tuple[str | None, str]:
    """The column that names the rows, and what was found out; None where the rows are known by position.

    Args:
        table: as `read` gives it.
        id_column: what the competition calls it.
        ids: of the training rows, in order.
    """
    if id_column in table.columns:
        return id_column, ""
    shares = {str(name): _likeness(table[name], ids) for name in table.columns}
    likely = max(shares, key=shares.__getitem__)
    if shares[likely] > _LIKELY:
        shown = "a column without a name" if _INDEX.match(likely) else f"column {likely!r}"
        return likely, f"ids: {shown} holds them"
    return None, f"ids: no column holds them; rows are taken in the order of the {len(ids)} training rows"


def fold_column(table: pd.DataFrame) -> str | None:
    """The column that says which fold a row was held out in."""
    return next((str(name) for name in table.columns if name.casefold() in _FOLD), None)


def without_index(table: pd.DataFrame) -> pd.DataFrame:
    """The table without columns that only count rows."""
    return table[[name for name in table.columns if not (_INDEX.match(name) and _counts(table[name]))]]


def match(
    table: pd.DataFrame, targets: Sequence[str], labels: Sequence[str], truth: NDArray[np.float64], path: Path
) -> tuple[list[str], list[str]]:
    """The column of each target's predictions, and what was found out.

    Args:
        table: columns that may hold predictions.
        targets: of the competition.
        labels: the same in the order of the model's outputs, for columns that are numbered.
        truth: (rows, targets) targets of the table's rows: a column that repeats them holds no predictions.
        path: of the file, for errors.

    Raises:
        DataError: a target has none, or several.
    """
    columns = [str(name) for name in table.columns]
    held = {
        name
        for place, target in enumerate(targets)
        for name in columns
        if bare(name) == bare(target) and _equal(table[name], truth[:, place])
    }
    columns = [name for name in columns if name not in held]
    notes = [f"column {name!r} holds the truth and is passed over" for name in sorted(held)]
    found = {target: _of(target, columns) for target in targets}
    if all(len(names) == 1 for names in found.values()):
        chosen = [names[0] for names in found.values()]
        renamed = [
            f"{name} for {target}" for target, name in zip(targets, chosen, strict=True) if name != target
        ]
        more = f" and {len(renamed) - SHOWN} more like these" if len(renamed) > SHOWN else ""
        return chosen, [*notes, *([f"columns: {', '.join(renamed[:SHOWN])}{more}"] if renamed else [])]
    several = {target: names for target, names in found.items() if len(names) > 1}
    left = [name for name in columns if _is_numbers(table[name])]
    if not several and not any(found.values()):
        if len(targets) == 1 and len(left) == 1:
            return left, [*notes, f"columns: {left[0]} for {targets[0]}, the only numbers"]
        numbered = {bare(name): name for name in left}
        if len(left) == len(targets) and set(numbered) == set(map(str, range(len(targets)))):
            places = [list(labels).index(target) for target in targets]
            said = listed([f"{number} is {label}" for number, label in enumerate(labels)])
            return [numbered[str(place)] for place in places], [*notes, f"columns are numbered: {said}"]
    wrong = next(iter(several), None) or next(target for target, names in found.items() if not names)
    raise DataError(
        f"{path}: {'several columns' if several else 'no column'} could hold the predictions of {wrong!r}",
        expected=f"a column each for {listed(list(targets))}, such as oof_{targets[0]} or {targets[0]}",
        found=listed(several[wrong]) if several else listed([*table.columns]),
        fix="rename the columns after the targets, or leave the others out"
        + ("; columns that repeat the truth are no predictions" if held else ""),
    )


def _of(target: str, columns: Sequence[str]) -> list[str]:
    """Columns that may hold a target's predictions; a name that says so beats the target's own."""
    fitting = [name for name in columns if bare(name) == bare(target)]
    return [name for name in fitting if name != target] or fitting


def bare(name: str) -> str:
    """A column's name without what says that it holds predictions, in small letters."""
    before = ""
    while before != name:
        before, name = name, _AFFIX.sub("", name) or name
    return name.casefold()


def _likeness(column: pd.Series, ids: Sequence[str]) -> float:
    """How much a column looks like ids: the share of its different values, in all rows, that are some."""
    return 0.0 if _counts(column) else len(set(column).intersection(ids)) / len(column)


def _counts(column: pd.Series) -> bool:
    """Whether a column holds 0, 1, 2 ... or 1, 2, 3 ..."""
    return any(list(column) == [str(start + row) for row in range(len(column))] for start in (0, 1))


def _is_numbers(column: pd.Series) -> bool:
    return bool(pd.to_numeric(column, errors="coerce").notna().any())


def _equal(column: pd.Series, truth: NDArray[np.float64]) -> bool:
    values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    return bool(np.allclose(values, truth, rtol=0, atol=1e-9))
