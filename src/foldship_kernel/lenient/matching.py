"""Which row an id of the sample submission means, where the two files do not hold the same ids."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foldship_kernel.lenient import spelling
from foldship_kernel.lenient.plausible import Ids
from foldship_kernel.mended import Mending
from foldship_kernel.tasks.base import NO_ROW

_MOST_TRIED = 2000  # damaged ids, each compared with as many others


def match(rows: Sequence[str], wanted: Sequence[str], notes: Mending) -> NDArray[np.int64]:
    """Find the row of each id that is wanted.

    An id means the row that is spelt like it; else the one whose spelling has the same loosened form, where
    no other row and no other id has it. Of an id that stands several times, the first means the first row
    that has it, and so on; where there are fewer rows, the last of them.

    Args:
        rows: id of each row, as it came.
        wanted: ids of the sample submission, as they came.
        notes: told of those that are spelt otherwise.

    Returns:
        (wanted,) int64: places of rows, or `NO_ROW`.
    """
    codes, spellings = pd.factorize(np.array([*rows, *wanted], dtype=object))
    of_rows, of_wanted = codes[: len(rows)], codes[len(rows) :]
    found = _in_turn(of_rows, of_wanted)
    for form in spelling.FORMS:
        left = found < 0
        if not left.any():
            break
        loosened = pd.factorize(np.array([form(str(value)) for value in spellings], dtype=object))[0]
        both = _unambiguous(loosened, np.unique(of_rows), np.unique(of_wanted))
        there = _in_turn(both[of_rows], np.where(left, both[of_wanted], NO_ROW))
        _tell(rows, wanted, np.flatnonzero(left & (there >= 0)), there, notes)
        found = np.where(left, there, found)
    return _with_damaged(rows, wanted, found, notes)


def _in_turn(rows: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Places of rows with the wanted codes, the k-th of equal ones for the k-th; those below 0 mean none."""
    if not len(rows) or not len(wanted):
        return np.full(len(wanted), NO_ROW)
    order = np.argsort(rows, kind="stable")
    first = np.searchsorted(rows[order], wanted, "left")
    count = np.searchsorted(rows[order], wanted, "right") - first
    turn = pd.Series(wanted).groupby(wanted).cumcount().to_numpy()
    place = np.minimum(first + np.minimum(turn, np.maximum(count - 1, 0)), len(rows) - 1)
    return np.where((count > 0) & (wanted >= 0), order[place], NO_ROW)


def _unambiguous(
    loosened: NDArray[np.int64], rows: NDArray[np.int64], wanted: NDArray[np.int64]
) -> NDArray[np.int64]:
    """(spellings,): the loosened form's code where one spelling of either file has it, else `NO_ROW`."""
    size = int(loosened.max()) + 1
    alone = (np.bincount(loosened[rows], minlength=size) == 1) & (
        np.bincount(loosened[wanted], minlength=size) == 1
    )
    return np.where(alone[loosened], loosened, NO_ROW)


def _with_damaged(
    rows: Sequence[str], wanted: Sequence[str], found: NDArray[np.int64], notes: Mending
) -> NDArray[np.int64]:
    """Also match ids that are missing or look like none of those wanted, by what is left, or by place."""
    left = np.flatnonzero(found < 0)
    free = sorted(set(range(len(rows))) - set(found.tolist())) if len(left) else []
    ids = Ids(wanted)
    damaged = [row for row in free if not spelling.caseless(rows[row]) or not ids.likely(rows[row])]
    if not damaged:
        return found
    found = found.copy()
    place_of = {int(row): place for place, row in enumerate(found) if row >= 0}
    place_of |= {-1: -1, len(rows): len(wanted)}
    for row in damaged:
        candidates: list[int] = []
        if spelling.UNREADABLE in rows[row] and len(damaged) <= _MOST_TRIED:
            candidates = _like(rows[row], wanted, left[:_MOST_TRIED])
        if not candidates:
            before, after = place_of.get(row - 1), place_of.get(row + 1)
            between = before is not None and after is not None and after - before == 2
            candidates = [before + 1] if before is not None and between else []
        candidates = [place for place in candidates if found[place] < 0]
        if len(candidates) == 1:
            found[candidates[0]] = row
            place_of[row] = candidates[0]
            notes.note(
                "damaged ids, told by what is left of them, or by their place", f"id {wanted[candidates[0]]}"
            )
    return found


def _like(damaged: str, wanted: Sequence[str], places: NDArray[np.int64]) -> list[int]:
    """Places of the ids that this may be, but for what could not be read of it."""
    parts = map(re.escape, re.split(f"{spelling.UNREADABLE}+", damaged))
    pattern = re.compile(".{1,4}".join(parts), re.DOTALL)
    return [int(place) for place in places if pattern.fullmatch(wanted[place])]


def _tell(
    rows: Sequence[str],
    wanted: Sequence[str],
    places: NDArray[np.int64],
    found: NDArray[np.int64],
    notes: Mending,
) -> None:
    if len(places):
        first = places[0]
        notes.note(
            "ids that the test file spells otherwise",
            f"{rows[found[first]]!r} for {wanted[first]!r}",
            len(places),
        )
