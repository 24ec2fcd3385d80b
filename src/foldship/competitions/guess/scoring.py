"""Whether targets are numbers or classes, how they are scored, and what the submission holds of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from foldship.competitions.guess import columns
from foldship_kernel.errors import DataError, listed

FEW = 10  # whole numbers of so many values are classes, whatever their column is called
MOST_NUMBERED = 20  # with more they are, unless their column is called like a class
MOST_CLASSES = 1000
BY_HAND = "write competition.yaml by hand; docs/competitions.md lists all keys"
MEASURE = re.compile(
    r"(score|rating|grade|similarity)s?$"
    r"|(^|_)(score|rating|grade|stars?|age|counts?|price|year|length|number|rank|level|points?)($|[_\d])"
)
CLASS = re.compile(
    r"label|class|category|target|topic|intent|type|author|kind|tag|language|sentiment|cluster|cat$"
)
_YES = ("true", "yes", "y", "positive", "pos", "1")


@dataclass
class Targets:
    """What was found.

    Attributes:
        columns: of the training file.
        declared: `targets` and `metric` of `competition.yaml`.
        submission: what each column of the submission holds; empty where each target has its own.
        reasons: one line each.
    """

    columns: list[str]
    declared: dict[str, Any] = field(default_factory=dict)
    submission: dict[str, Any] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Seen:
    """The files, without their id columns.

    Attributes:
        path: the training file, for errors.
        train, test, sample: their rows; None where there is no such file.
        sample_name: of the sample's file.
        others: further tables of the folder.
    """

    path: Path
    train: pd.DataFrame
    test: pd.DataFrame | None
    sample: pd.DataFrame | None
    sample_name: str
    others: tuple[str, ...] = ()

    @property
    def absent(self) -> list[str]:
        """Columns that training has and the test file lacks."""
        return [] if self.test is None else [str(name) for name in self.train if name not in self.test]

    @property
    def wanted(self) -> list[str]:
        """Columns that the sample asks for."""
        return [] if self.sample is None else [str(name) for name in self.sample]


def scored(found: Targets, seen: Seen, layout: Mapping[str, str]) -> Targets:
    """Kind of the targets, and a metric that goes with it."""
    rows = seen.train[found.columns]
    if len(found.columns) > 1:
        if odd := [name for name in found.columns if not columns.are_numbers(rows[name])]:
            raise DataError(
                f"{seen.path}: targets {listed(odd)} are no numbers",
                expected="columns of numbers, or one column of classes",
                found=f"such as {rows[odd[0]].iloc[0]!r} in {odd[0]}",
                fix=BY_HAND,
            )
        return _numbers(found, rows, layout, seen)
    (name,) = found.columns
    cells = None if seen.sample is None else seen.sample[next(iter(layout))]
    if not columns.are_numbers(rows[name]):
        return _classes(found, rows[name], layout, cells, seen)
    if _counts_as_classes(rows[name], name, cells):
        return _classes(found, rows[name], layout, cells, seen)
    return _numbers(found, rows, layout, seen)


def _counts_as_classes(column: pd.Series, name: str, cells: pd.Series | None) -> bool:
    """Whether whole numbers are rather names of classes than amounts."""
    numbers = pd.to_numeric(column)
    values = sorted(set(numbers))
    if not columns.are_integers(column) or len(values) < 2 or set(values) == {0, 1}:
        return False
    if cells is not None and columns.are_numbers(cells) and not columns.are_integers(cells):
        return False  # the sample shows fractions
    if len(values) <= FEW:
        return True
    if MEASURE.search(name.lower()):
        return False
    gapless = values[0] in (0, 1) and values[-1] - values[0] == len(values) - 1
    most = MOST_CLASSES if CLASS.search(name.lower()) else MOST_NUMBERED
    return gapless and len(values) <= min(most, len(column) // 2)


def _numbers(found: Targets, rows: pd.DataFrame, layout: Mapping[str, str], seen: Seen) -> Targets:
    numbers = rows.apply(pd.to_numeric)
    low, high = float(numbers.min(axis=None)), float(numbers.max(axis=None))
    if low == high:
        raise DataError(
            f"{seen.path}: target {listed(found.columns)} holds one value only",
            expected="several",
            found=f"{low:g} in all {len(rows):,} rows",
            fix="name the file with the training rows",
        )
    two = bool(numbers.isin([0, 1]).all(axis=None))
    metric, why = "spearman" if len(found.columns) > 1 else "pearson", ""
    if two:
        metric, why = "auc", ", or log_loss"
    if two and seen.sample is not None and bool(seen.sample.apply(columns.are_integers).all()):
        metric, why = (
            "f1",
            ", which submits 0 and 1, as the sample does; auc or log_loss submit probabilities",
        )
    if two and len(found.columns) > 1 and bool((numbers.sum(axis=1) == 1).all()):
        metric, why = "log_loss", ""
        found.reasons.append(f"of {listed(found.columns)} every row has one alone: they exclude each other")
    found.reasons.append(f"range: {low:g} to {high:g}, as in the file")
    found.reasons.append(f"metric: {metric}{why}; correct it")
    low, high = (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
    found.declared = {"targets": {"columns": found.columns, "range": [low, high]}, "metric": metric}
    if any(column != name for column, name in layout.items()):
        found.submission = dict(layout)
    return found


def _classes(
    found: Targets, column: pd.Series, layout: Mapping[str, str], cells: pd.Series | None, seen: Seen
) -> Targets:
    (name,) = found.columns
    (asked,) = layout
    classes = sorted(set(column) - {""}, key=_ordered)
    most = max(2, min(MOST_CLASSES, len(column) // 2))
    if not 2 <= len(classes) <= most:
        raise DataError(
            f"{seen.path}: target {name!r} holds neither numbers nor classes",
            expected=f"2 to {most} different values",
            found=f"{len(classes)}, such as {listed(classes[:3])}",
            fix=BY_HAND,
        )
    metric: Any = "macro_f1"
    what: Any = "class"
    if cells is not None and columns.are_numbers(cells) and not set(cells) <= set(classes):
        if len(classes) == 2:  # a single number: how likely one of the two is
            yes = [value for value in classes if value.strip().lower() in _YES]
            what, metric = (yes or classes[1:])[0], "auc"
            found.reasons.append(
                f"submission: {asked} holds how likely {what} is, since the sample holds numbers"
            )
    elif cells is not None and (top := _answers(cells, classes)) > 1:
        what, metric = {"top": top}, {"name": "map", "k": top}
        found.reasons.append(
            f"submission: {asked} holds {top} classes a row, the likeliest first, as in the sample"
        )
    called = metric if isinstance(metric, str) else f"map at {metric['k']}"
    found.reasons.append(f"classes: the {len(classes)} values of {name}; metric: {called}, correct it")
    if columns.are_numbers(column):
        low, high = classes[0], classes[-1]
        found.reasons.append(
            f"or a number: if {name} is an amount and no name, write targets: {{columns: [{name}], range: "
            f"[{low}, {high}]}} and a metric such as rmse, or qwk where it is rounded"
            + (f", and submission: {{{asked}: {name}}}" if asked != name else "")
        )
    found.declared = {"targets": {"column": name, "classes": classes}, "metric": metric}
    if what != "class" or asked != name:
        found.submission = {asked: what}
    return found


def _answers(cells: pd.Series, classes: Sequence[str]) -> int:
    """How many classes, parted by blanks, a cell of the sample holds."""
    known = set(classes)
    if any(" " in name for name in known) or set(cells) <= known:
        return 1
    counts = {len(cell.split()) for cell in cells if set(cell.split()) <= known}
    return max(counts, default=1)


def _ordered(value: str) -> tuple[float, str]:
    """Numbers by their size, all else by the alphabet."""
    try:
        return float(value), value
    except ValueError:
        return float("inf"), value
