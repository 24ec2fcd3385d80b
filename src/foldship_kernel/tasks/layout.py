"""What stands in a submission's columns: a target's number, the likeliest class, or all probabilities."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foldship_kernel.tasks.base import Template

CLASS, PROBABILITIES = "class", "probabilities"
DIGITS = 6


def fill(
    template: Template,
    layout: Mapping[str, str],
    targets: Sequence[str],
    ids: Sequence[str],
    predictions: NDArray[np.float64],
    others: NDArray[np.float64] | None = None,
) -> pd.DataFrame:
    """The template's table, filled row by row: same ids, columns, order.

    Args:
        template: ids and columns wanted.
        layout: what each column but the id holds: a target's name, "class" or "probabilities".
        targets: names of the columns of `predictions`.
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
    cells: dict[str, object] = {}
    for name in template.columns:
        if name == template.id_column:
            cells[name] = list(template.ids)
        elif name in template.given:
            cells[name] = list(template.given[name])
        else:
            cells[name] = _column(layout[template.holds.get(name, name)], list(targets), chosen)
    return pd.DataFrame(cells)


def _column(
    what: str, targets: list[str], predictions: NDArray[np.float64]
) -> NDArray[np.float64] | list[str]:
    if what == CLASS:
        return [targets[place] for place in predictions.argmax(axis=1)]
    if what == PROBABILITIES:
        return [probabilities(row) for row in predictions.tolist()]
    return predictions[:, targets.index(what)]


def probabilities(values: Sequence[float]) -> str:
    """A list of numbers as Python writes it."""
    return f"[{', '.join(f'{value:.{DIGITS}f}' for value in values)}]"


def numbers(frame: pd.DataFrame, layout: Mapping[str, str], targets: Sequence[str]) -> pd.DataFrame:
    """The numbers in a submission: `fill` read back, as far as the columns are there.

    Args:
        frame: text cells.
        layout, targets: as `fill` takes them.

    Returns:
        float64, one column per number of a row, NaN where a cell holds none. A class counts as 1 for itself
        and 0 for the others, unless the probabilities are there, too.
    """
    found: dict[str, NDArray[np.float64]] = {}
    for column, what in layout.items():
        if column not in frame.columns or (what == CLASS and PROBABILITIES in layout.values()):
            continue
        if what == PROBABILITIES:
            table = np.array([_parsed(cell, len(targets)) for cell in frame[column]])
        elif what == CLASS:
            cells = frame[column].to_numpy(dtype=object)[:, None]
            known = np.isin(cells, list(targets))
            table = np.where(known, cells == np.array(list(targets), dtype=object), np.nan).astype(np.float64)
        else:
            found[column] = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=np.float64)
            continue
        found |= {f"{column}[{name}]": table[:, place] for place, name in enumerate(targets)}
    return pd.DataFrame(found, index=frame.index, dtype="float64")


def _parsed(cell: object, count: int) -> list[float]:
    try:
        values = json.loads(str(cell))
        if isinstance(values, list) and len(values) == count:
            return [float(value) for value in values]
    except (ValueError, TypeError):
        pass
    return [float("nan")] * count
