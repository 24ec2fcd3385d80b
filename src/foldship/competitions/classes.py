"""Classes as the training file spells them, and as `competition.yaml` names them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from foldship_kernel.errors import NEW_FILE, DataError, listed


def normal(name: str) -> str:
    """A class's name in a form that does not depend on how a number or a truth value is written."""
    text = name.strip().casefold()
    try:
        number = float(text)
    except ValueError:
        return text
    return f"{number:g}" if np.isfinite(number) else text


def matched(cells: Iterable[object], labels: Iterable[str]) -> dict[str, str]:
    """Which label each different cell means: the same text, else the only one of the same normal form."""
    known = list(labels)
    forms = Counter(map(normal, known))
    by_form = {normal(label): label for label in known if forms[normal(label)] == 1}
    found = {}
    for cell in dict.fromkeys(cell for cell in cells if isinstance(cell, str)):
        label = cell if cell in known else by_form.get(normal(cell))
        if label is not None:
            found[cell] = label
    return found


def one_hot(rows: pd.DataFrame, column: str, labels: Mapping[str, str], path: Path) -> pd.DataFrame:
    """A column for each class, 1.0 where the row is of it.

    Args:
        rows: the id column first.
        column: holds the classes.
        labels: target by label.
        path: the file, for errors.

    Raises:
        DataError: a row names none of the classes.
    """
    cells = rows[column].to_numpy(dtype=object)
    meant = matched(cells, labels)
    names = np.array([meant.get(cell) if isinstance(cell, str) else None for cell in cells], dtype=object)
    unknown = names == None  # noqa: E711  (element by element)
    if unknown.any():
        first = int(np.flatnonzero(unknown)[0])
        value, key = cells[first], str(rows.iloc[first, 0])
        raise DataError(
            f"{path}: column '{column}', row {first + 1} ({rows.columns[0]} {key}) holds no known class",
            expected=f"one of {listed(list(labels))}",
            found=("nothing" if value is None else repr(value)) + f" ({int(unknown.sum())} such rows)",
            fix=f"add the class to targets.classes in competition.yaml, in quotes, or {NEW_FILE}",
        )
    hot = names[:, None] == np.array(list(labels), dtype=object)
    return pd.DataFrame(hot.astype(np.float64), columns=list(labels.values()), index=rows.index)


def spellings(cells: pd.Series, labels: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """How the training file spells each class, by target, where it is another than its name."""
    meant = matched(cells, labels)
    counted: dict[str, Counter[str]] = {}
    for cell in cells:
        if cell in meant:
            counted.setdefault(labels[meant[cell]], Counter())[cell] += 1
    for label, target in labels.items():
        counted.setdefault(target, Counter({label: 1}))
    commonest = {target: counts.most_common(1)[0][0] for target, counts in counted.items()}
    return {target: {"": text} for target, text in sorted(commonest.items()) if text != target}
