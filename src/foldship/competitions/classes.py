"""Classes as the training file spells them, and as `competition.yaml` names them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from foldship_kernel.errors import NEW_FILE, DataError, listed


def matched(cells: Iterable[object], labels: Iterable[str]) -> dict[str, str]:
    """Which label each different cell means, as far as there is no doubt.

    That is the same text, else the only label that is the same number (`1.0` means `1`), else the only one
    that differs in capitals alone and does not stand in a cell as it is (`TRUE` means `true`).
    """
    known = list(labels)
    there = dict.fromkeys(cell for cell in cells if isinstance(cell, str))
    numbers = _only((_number(label), label) for label in known)
    folded = _only((label.strip().casefold(), label) for label in known if label not in there)
    found = {}
    for cell in there:
        label = cell if cell in known else numbers.get(_number(cell)) or folded.get(cell.strip().casefold())
        if label is not None:
            found[cell] = label
    return found


def _only(pairs: Iterable[tuple[object, str]]) -> dict[object, str]:
    """Label by form, where only one label has it; a form that is None is none."""
    given = list(pairs)
    counts = Counter(form for form, _ in given)
    return {form: label for form, label in given if form is not None and counts[form] == 1}


def _number(text: str) -> float | None:
    """The finite number that a text is, if any."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


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
    unknown = pd.isna(names)
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
