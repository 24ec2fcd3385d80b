"""Which columns are to be predicted, by what sample submission and test file show."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from foldship.competitions.guess import columns
from foldship.competitions.guess.scoring import BY_HAND, CLASS, MEASURE, Seen, Targets, scored
from foldship_kernel.errors import DataError, listed

LOOKED_AT = 50  # of the sample's rows, of which most have the same values


def find(seen: Seen) -> Targets:
    """Look for the targets: what the sample asks for, what the test file lacks, or the last column.

    Raises:
        DataError: nothing can be the target, or it lies in the files in a way that cannot be declared.
    """
    present = [name for name in seen.wanted if name in seen.train]
    if present and len(present) < len(seen.wanted):
        missing = [name for name in seen.wanted if name not in present]
        raise DataError(
            f"{seen.path}: {seen.sample_name} asks for columns that are not there",
            expected=f"all of {listed(seen.wanted)}",
            found=f"no {listed(missing)}",
            fix=f"bring these columns into the training file, or {BY_HAND}",
        )
    if present:
        found = Targets(present, reasons=[f"targets: {listed(present)}, which {seen.sample_name} asks for"])
        return scored(found, seen, {name: name for name in present})
    if len(seen.wanted) > 1:
        return _columns_of_classes(seen)
    column = _one(seen)
    found = Targets([column])
    if seen.wanted:
        why = "which the test file does not have" if column in seen.absent else "the last column"
        found.reasons.append(f"targets: {column}, {why}; {seen.sample_name} calls it {seen.wanted[0]}")
        return scored(found, seen, {seen.wanted[0]: column})
    able = [name for name in seen.absent if not columns.is_text(seen.train[name])]
    if len(able) > 1 and all(columns.are_numbers(seen.train[name]) for name in able):
        found.columns = able
    why = "which the test file does not have" if able else "the last column"
    found.reasons.append(f"targets: {listed(found.columns)}, {why}")
    return scored(found, seen, {name: name for name in found.columns})


def _one(seen: Seen) -> str:
    """The column to predict where the sample does not name it."""
    able = [name for name in seen.absent if not columns.is_text(seen.train[name])]
    if seen.sample is not None and len(able) > 1:
        values = {part for cell in seen.sample.iloc[:LOOKED_AT, 0] for part in (cell, *cell.split())}
        pairs = [
            (left, right)
            for left in able
            for right in able
            if left != right and _joined(values, seen.train[left], seen.train[right])
        ]
        if pairs:
            left, right = pairs[0]
            raise DataError(
                f"{seen.path}: {seen.sample_name} asks for {left} and {right} in one column",
                expected=f"one column with values such as {sorted(values)[0]!r}",
                found=f"{left} and {right}, in columns of their own",
                fix=f"add a column that joins {left} and {right}, and name it as targets.column",
            )
        met = [name for name in able if set(seen.train[name]) & values]
        called = [name for name in met or able if CLASS.search(name.lower()) or MEASURE.search(name.lower())]
        return (called or met or able)[0]
    last = str(seen.train.columns[-1]) if len(seen.train.columns) else ""
    if not able and seen.test is None and last and not columns.is_text(seen.train[last]):
        able = [last]
    if not able:
        raise DataError(
            f"{seen.path}: nothing looks like a target",
            expected="columns that a sample submission asks for, or that the test file does not have",
            found=listed([str(name) for name in seen.train.columns]) or "no column but the id",
            fix=f"if {' or '.join(apart)} holds it, join that into the training file by its id"
            if (apart := [name for name in seen.others if "label" in name.lower()])
            else f"put the competition's test file and sample submission beside it, or {BY_HAND}",
        )
    return able[0]


def _joined(values: set[str], left: pd.Series, right: pd.Series) -> bool:
    """Whether a sample's values join those of two columns, as in `True_Correct:NA`."""
    rights = set(right)
    return any(
        value.startswith(first)
        and not value[len(first) : len(first) + 1].isalnum()
        and value[len(first) + 1 :] in rights
        for value in values
        for first in set(left) - {""}
    )


def _columns_of_classes(seen: Seen) -> Targets:
    """One training column whose classes are the sample's columns."""
    for name in seen.absent or [str(column) for column in seen.train]:
        classes = sorted(set(seen.train[name]) - {""})
        named = _named(classes, seen.wanted)
        if named is not None:
            found = Targets([name])
            found.reasons.append(
                f"targets: {name}, whose classes are the columns of {seen.sample_name}: {listed(seen.wanted)}"
            )
            found.submission = named
            found.declared = {"targets": {"column": name, "classes": classes}, "metric": "log_loss"}
            found.reasons.append("metric: log_loss, since the sample asks for probabilities; correct it")
            return found
    raise DataError(
        f"{seen.path}: no column fits what {seen.sample_name} asks for",
        expected=f"columns {listed(seen.wanted)}, or one column with these as its classes",
        found=listed(seen.absent or [str(name) for name in seen.train]),
        fix=f"check that these are files of one competition, or {BY_HAND}",
    )


def _named(classes: Sequence[str], wanted: Sequence[str]) -> dict[str, str] | None:
    """The class that each column of the sample is called by, `EAP` or `is_EAP`; None if they do not fit."""
    if len(wanted) < 2:
        return None
    start = re.split(r"(?<=[_\- ])", _common_start(wanted))[:-1]
    shared = len("".join(start))
    for cut, lower in ((0, False), (0, True), (shared, True)):
        spelt = {(name.casefold() if lower else name).strip(): name for name in classes}
        asked = {(name[cut:].casefold() if lower else name).strip(): name for name in wanted}
        if len(asked) == len(wanted) and set(asked) <= set(spelt):
            return {column: spelt[key] for key, column in asked.items()}
    return None


def _common_start(names: Sequence[str]) -> str:
    low, high = min(names), max(names)
    same = [place for place, (a, b) in enumerate(zip(low, high, strict=False)) if a != b]
    return low[: same[0] if same else min(len(low), len(high))]
