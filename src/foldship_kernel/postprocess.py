"""Fitted post-processing: a list of steps, each one dictionary as it stands in `bundle.json`.

A step names its `kind` and its `target` column; what else it holds depends on the kind, see `steps`. A step
of classes names no target, it moves all columns.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foldship_kernel.errors import BundleError, DataError
from foldship_kernel.steps import KINDS, OF_TABLES, Column, Step, needed

REFIT = "fit the post-processing and build the bundle again with `make bundle`"


def apply(predictions: pd.DataFrame, steps: Sequence[Step]) -> tuple[pd.DataFrame, list[str]]:
    """Post-process predictions, step by step.

    A step that would leave its column constant, or with fewer than 0.5% of the rows (at least one) away from
    the commonest value, is left out for that column. A single row is never held back: it has no order; nor is
    a step that `decides` for a metric to which no order counts.

    Args:
        predictions: one row each, with a float column per target; other columns stay as they are.
        steps: fitted steps, applied in order.

    Returns:
        A new table of the same shape, and one line for each step that was left out.

    Raises:
        BundleError: a step's kind, target or numbers are unknown, missing or make no sense.
        DataError: a prediction that a step is for is no finite number.
    """
    result, notes = predictions.copy(), []
    for step in steps:
        if step.get("kind") in OF_TABLES:
            table = result.to_numpy(dtype=np.float64)
            result = pd.DataFrame(apply_table(table, step), result.index, result.columns)
            continue
        target = step.get("target")
        if target not in predictions.columns:
            raise BundleError(
                f"post-processing: there is no target {target!r}",
                expected="one of " + ", ".join(map(str, predictions.columns)),
                found=repr(dict(step)),
                fix=REFIT,
            )
        column, note = apply_column(result[target].to_numpy(dtype=np.float64), step)
        result[target] = column
        if note:
            notes.append(f"{target}: {note}")
    return result, notes


def apply_table(table: NDArray[np.float64], step: Step) -> NDArray[np.float64]:
    """Apply one step to all columns (n, C).

    Raises:
        BundleError: its numbers are missing or make no sense.
        DataError: a prediction is no finite number.
    """
    if not np.isfinite(table).all():
        raise _not_finite(table, "")
    kind = OF_TABLES[step["kind"]]
    try:
        return kind(table, step)
    except (KeyError, TypeError, ValueError) as error:
        raise _not_applicable(kind.__doc__, step, error) from error


def apply_column(column: Column, step: Step) -> tuple[Column, str]:
    """Apply one step to its column (n,) behind the guard of `apply`.

    Returns:
        The new column, or the given one and the reason.

    Raises:
        BundleError, DataError: as `apply`.
    """
    if not np.isfinite(column).all():
        raise _not_finite(column, f" for {step['target']}" if "target" in step else "")
    kind = KINDS.get(step.get("kind", ""))
    if kind is None:
        raise BundleError(
            f"post-processing: there is no kind {step.get('kind')!r}",
            expected="one of " + ", ".join(KINDS),
            found=repr(dict(step)),
            fix=REFIT,
        )
    try:
        changed = kind(column, step)
    except (KeyError, TypeError, ValueError) as error:
        raise _not_applicable(kind.__doc__, step, error) from error
    if step.get("decides"):
        return changed, ""
    away = minority(changed)
    wanted = needed(len(column))
    if len(column) > 1 and away < wanted:
        return column, (
            f"{step['kind']} would leave {away} of {len(column)} rows away from the commonest value, "
            f"at least {wanted} wanted: left out"
        )
    return changed, ""


def _not_finite(values: NDArray[np.float64], where: str) -> DataError:
    return DataError(
        "post-processing: predictions are no finite numbers",
        expected=f"{values.size} finite numbers{where}",
        found=f"{int((~np.isfinite(values)).sum())} that are not",
        fix="find the model whose output overflows, or train it again",
    )


def _not_applicable(what: str | None, step: Step, error: Exception) -> BundleError:
    return BundleError(
        "post-processing: a step cannot be applied",
        expected=str(what),
        found=f"{dict(step)!r} ({error!r})",
        fix=REFIT,
    )


def minority(column: Column) -> int:
    """Number of rows of (n,) that do not hold the commonest value."""
    _, counts = np.unique(column, return_counts=True)
    return len(column) - int(counts.max(initial=0))
