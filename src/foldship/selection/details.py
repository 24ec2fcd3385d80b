"""What a person wants to see of a selection besides its scores: bands of a range, confused classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from foldship.metrics import Array, columns
from foldship.selection.align import OutOfFold

BANDS = 5
MOST_TARGETS = 3  # with more, nobody would read a table for each


def bands(data: OutOfFold, prediction: Array) -> list[dict[str, Any]]:
    """How far off predictions (n, C) are, by bands of the truth: one record a target and band with rows.

    Keys: `target`, `low`, `high` (of the band; the last one holds its upper end, too), `rows`, `error` (mean
    absolute), `bias` (mean of prediction less truth) and `pearson` within the band, None where there is none.
    """
    if len(data.targets) > MOST_TARGETS:
        return []
    records = []
    for place, target in enumerate(data.targets):
        truth, found = data.truth[:, place], prediction[:, place]
        edges = np.linspace(truth.min(), truth.max(), BANDS + 1)
        band = np.clip(np.searchsorted(edges, truth, side="right") - 1, 0, BANDS - 1)
        for number in np.unique(band):
            own = band == number
            within = float(columns.pearson(truth[own][:, None], found[own][:, None])[0])
            records.append(
                {
                    "target": target,
                    "low": float(edges[number]),
                    "high": float(edges[number + 1]),
                    "rows": int(own.sum()),
                    "error": float(np.abs(found - truth)[own].mean()),
                    "bias": float((found - truth)[own].mean()),
                    "pearson": None if np.isnan(within) else within,
                }
            )
    return records


def confusion(data: OutOfFold, prediction: Array) -> list[list[int]]:
    """Rows by class (down) and by what is predicted (across), of probabilities (n, C)."""
    count = len(data.targets)
    pairs = data.truth.argmax(axis=1) * count + prediction.argmax(axis=1)
    table: list[list[int]] = np.bincount(pairs, minlength=count * count).reshape(count, count).tolist()
    return table
