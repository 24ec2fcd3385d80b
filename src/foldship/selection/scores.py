"""Score tables of a selection, JSON-like: NaN (nothing to score) becomes None."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foldship.metrics import Score, mean_of_known, spearman
from foldship.selection import trial
from foldship.selection.align import OutOfFold

Table = NDArray[np.float64]
BINS = 24


def pooled(
    data: OutOfFold, prediction: Table, rare: Sequence[str], score: Score = spearman
) -> dict[str, float | None]:
    """Mean score with all rows together: `score` over all columns, `score_without_rare`."""
    values = score(data.truth, prediction)
    return {"score": _mean(values), "score_without_rare": _mean(values[common(data.targets, rare)])}


def correlations(truth: Table, prediction: Table) -> list[float | None]:
    """Spearman's correlation of each column, all rows together; see `metrics.spearman`."""
    return [_plain(value) for value in spearman(truth, prediction)]


def summary(
    data: OutOfFold, raw: Table, nested: Table, rare: Sequence[str], score: Score = spearman
) -> dict[str, dict[str, float | None]]:
    """Scores of the blend for "all" columns and "without_rare".

    Each holds `columns` (their number), `pooled` (raw, all rows together), and, as means of the folds'
    scores, `raw` and `nested`.
    """
    result = {}
    chosen = {"all": list(range(len(data.targets))), "without_rare": common(data.targets, rare)}
    for name, columns in chosen.items():
        result[name] = {
            "columns": len(columns),
            "pooled": _mean(score(data.truth, raw)[columns]),
            "raw": _mean(_per_fold(data, raw, columns, score)),
            "nested": _mean(_per_fold(data, nested, columns, score)),
        }
    return result


def by_fold(
    data: OutOfFold, raw: Table, nested: Table, rare: Sequence[str], score: Score = spearman
) -> list[dict[str, Any]]:
    """One record per fold: `fold`, `rows`, `raw`, `nested`, `raw_without_rare`, `nested_without_rare`."""
    everything, some = list(range(len(data.targets))), common(data.targets, rare)
    columns = {
        "raw": _per_fold(data, raw, everything, score),
        "nested": _per_fold(data, nested, everything, score),
        "raw_without_rare": _per_fold(data, raw, some, score),
        "nested_without_rare": _per_fold(data, nested, some, score),
    }
    return [
        {
            "fold": int(fold),
            "rows": int((data.folds == fold).sum()),
            **{name: _plain(values[place]) for name, values in columns.items()},
        }
        for place, fold in enumerate(np.unique(data.folds))
    ]


def by_column(
    data: OutOfFold,
    raw: Table,
    nested: Table,
    steps: Sequence[Mapping[str, Any]],
    score: Score = spearman,
) -> list[dict[str, Any]]:
    """One record per target.

    Each holds `target`, `pooled` (raw, all rows together), `raw` and `nested` (means over the folds in which
    the target varies), `folds` (raw, one score a fold), and `step`, the post-processing fitted on all rows,
    or None. A score is None where the target does not vary, and 0 where only the prediction does not.
    """
    before, after = (trial.by_fold(data.truth, table, data.folds, score) for table in (raw, nested))
    together = score(data.truth, raw)
    fitted = {step["target"]: dict(step) for step in steps if "target" in step}
    for step in steps:
        if "offsets" in step:  # of all classes at once
            moves = zip(data.targets, step["offsets"], strict=True)
            fitted |= {target: {"kind": step["kind"], "offset": move} for target, move in moves if move}
    return [
        {
            "target": target,
            "pooled": _plain(together[place]),
            "raw": _mean(before[:, place]),
            "nested": _mean(after[:, place]),
            "folds": [_plain(value) for value in before[:, place]],
            "step": fitted.get(target),
        }
        for place, target in enumerate(data.targets)
    ]


def distributions(data: OutOfFold, raw: Table, processed: Table) -> dict[str, dict[str, list[float]]]:
    """Histograms per target: `edges` (BINS + 1), and counts (BINS) of `truth`, `raw`, `processed`."""
    result = {}
    for place, target in enumerate(data.targets):
        tables = {"truth": data.truth, "raw": raw, "processed": processed}
        columns = {name: table[:, place] for name, table in tables.items()}
        everything = np.concatenate(list(columns.values()))
        edges = np.histogram_bin_edges(everything, bins=BINS)
        result[target] = {
            "edges": edges.tolist(),
            **{name: np.histogram(values, bins=edges)[0].tolist() for name, values in columns.items()},
        }
    return result


def fallback(truth: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Per target the mean and spread of the training rows, see `Selection.fallback`."""
    values = truth.iloc[:, 1:].astype("float64")
    return {
        str(name): {"mean": float(values[name].mean()), "spread": float(values[name].std(ddof=0))}
        for name in values.columns
    }


def common(targets: Sequence[str], rare: Sequence[str]) -> list[int]:
    """Positions of the targets that are not rare."""
    return [place for place, target in enumerate(targets) if target not in rare]


def _per_fold(
    data: OutOfFold, prediction: Table, columns: Sequence[int], score: Score
) -> NDArray[np.float64]:
    table = trial.by_fold(data.truth, prediction, data.folds, score)
    return mean_of_known(table[:, list(columns)].T)


def _mean(values: NDArray[np.float64]) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else None


def _plain(value: float | np.floating[Any]) -> float | None:
    return None if np.isnan(value) else float(value)
