"""What stands in a submission's columns: a target's number, the likeliest class, or all probabilities."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foldship_kernel import decisions
from foldship_kernel.tasks.base import Template

CLASS, PROBABILITIES = "class", "probabilities"  # of classes; no target is called so
TOP = "top:"  # of classes, and how many
TARGET = "target"  # its number
DIGITS = 6


def top(count: int) -> str:
    """What a column holds that names so many classes, the likeliest first, with blanks between."""
    return f"{TOP}{count}"


def reserved(name: str) -> bool:
    """Whether this names something else than a target."""
    return name in (CLASS, PROBABILITIES) or name.startswith(TOP)


@dataclass(frozen=True)
class Cells:
    """What stands in the cells of a submission.

    Attributes:
        layout: what each column but the id holds: a target's name, and where targets are classes also "class"
            (the likeliest), "probabilities" (all, as a list) or what `top` says.
        targets: names of the predictions' columns.
        classes: whether targets are classes.
        decision: how a number is decided before it is written, see `foldship_kernel.decisions`.
        spellings: by target, see `Task.spellings`.
    """

    layout: Mapping[str, str]
    targets: Sequence[str]
    classes: bool
    decision: str = ""
    spellings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def holds(self, column: str) -> str:
        """What a column of the submission holds: CLASS, PROBABILITIES, TOP, or TARGET."""
        what = self.layout[column]
        if not self.classes or not reserved(what):
            return TARGET
        return TOP if what.startswith(TOP) else what

    def count(self, column: str) -> int:
        """How many classes a column of the kind TOP names."""
        return min(int(self.layout[column].removeprefix(TOP)), len(self.targets))

    @property
    def labels(self) -> list[str]:
        """The classes as they are written."""
        return [self.spellings.get(name, {}).get("", name) for name in self.targets]

    def write(self, column: str, predictions: NDArray[np.float64]) -> NDArray[np.float64] | list[str]:
        """The cells of a column: texts, or numbers (rows,) float64."""
        what, targets = self.layout[column], list(self.targets)
        kind = self.holds(column)
        if kind == CLASS:
            labels = self.labels
            return [labels[place] for place in predictions.argmax(axis=1)]
        if kind == PROBABILITIES:
            return [probabilities(row) for row in predictions.tolist()]
        if kind == TOP:
            labels, count = self.labels, self.count(column)
            order = np.argsort(-predictions, axis=1, kind="stable")[:, :count]  # as `map` ranks them
            return [" ".join(labels[place] for place in row) for row in order]
        values = predictions[:, targets.index(what)]
        if not self.decision:
            return values
        return decisions.spell(self.decision, values, self.spellings.get(what, {}))


def fill(
    template: Template,
    cells: Cells,
    ids: Sequence[str],
    predictions: NDArray[np.float64],
    others: NDArray[np.float64] | None = None,
) -> pd.DataFrame:
    """The template's table, filled row by row: same ids, columns, order.

    Args:
        template: ids and columns wanted.
        cells: what stands in them.
        ids: id of each predicted row.
        predictions: (rows, targets), in the order of `ids`.
        others: (number of them, targets), predictions for the template's ids without a row, in their order;
            None where there are none.
    """
    places = template.rows
    if places is None:
        places = pd.Index(ids).get_indexer(pd.Index(template.ids))
    if others is not None:
        places = places.copy()
        places[places < 0] = len(predictions) + np.arange(len(others))
        predictions = np.concatenate([predictions, others])
    chosen = predictions[places]
    table: dict[str, object] = {}
    for name in template.columns:
        if name == template.id_column:
            table[name] = list(template.ids)
        elif name in template.given:
            table[name] = list(template.given[name])
        else:
            table[name] = cells.write(template.holds.get(name, name), chosen)
    return pd.DataFrame(table)


def probabilities(values: Sequence[float]) -> str:
    """A list of numbers as Python writes it."""
    return f"[{', '.join(f'{value:.{DIGITS}f}' for value in values)}]"


def numbers(frame: pd.DataFrame, cells: Cells) -> pd.DataFrame:
    """The numbers in a submission: `fill` read back, as far as the columns are there.

    Args:
        frame: text cells.
        cells: what stands in them.

    Returns:
        float64, one column per number of a row, NaN where a cell holds none. A class counts as 1 for itself
        and 0 for the others, unless the probabilities are there, too; of several, each as 1 / its rank.
    """
    found: dict[str, NDArray[np.float64]] = {}
    kinds = {column: cells.holds(column) for column in cells.layout}
    for column, kind in kinds.items():
        if column not in frame.columns or (kind in (CLASS, TOP) and PROBABILITIES in kinds.values()):
            continue
        if kind == PROBABILITIES:
            table = np.array([_parsed(cell, len(cells.targets)) for cell in frame[column]])
        elif kind in (CLASS, TOP):
            count = cells.count(column) if kind == TOP else None
            table = np.array([_named(cell, cells.labels, count) for cell in frame[column]])
        else:
            found[column] = decisions.parse(frame[column]).to_numpy()
            continue
        found |= {f"{column}[{name}]": table[:, place] for place, name in enumerate(cells.targets)}
    return pd.DataFrame(found, index=frame.index, dtype="float64")


def _named(cell: object, labels: Sequence[str], count: int | None) -> list[float]:
    """1 / rank by class in a cell that names one class, or `count` with blanks between; else NaN."""
    text = cell if isinstance(cell, str) else ""
    named = [text] if count is None else text.split(" ")
    if len(named) != (count or 1) or len(set(named)) < len(named) or not set(named) <= set(labels):
        return [float("nan")] * len(labels)
    return [1 / (1 + named.index(label)) if label in named else 0.0 for label in labels]


def _parsed(cell: object, count: int) -> list[float]:
    try:
        values = json.loads(str(cell))
        if isinstance(values, list) and len(values) == count:
            return [float(value) for value in values]
    except (ValueError, TypeError):
        pass
    return [float("nan")] * count
