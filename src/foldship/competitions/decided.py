"""Whether columns of numbers can be decided as the metric decides them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from foldship_kernel.decisions import HALF, SIDE, WHOLE
from foldship_kernel.errors import DataError

FIX = "declare its values as classes (targets: {{column: {name}, classes: [...]}}), or another metric"


def check_decided(found: pd.DataFrame, rule: str, metric: str, path: Path) -> None:
    """Check that what the metric decides are the very values of the training columns.

    Args:
        found: the columns' numbers.
        rule: how the metric decides, see `foldship_kernel.decisions`.
        metric: its name.
        path: the file, for errors.

    Raises:
        DataError: a column has values that the metric would not tell apart, or could never predict.
    """
    for name in found.columns if rule else ():
        values = np.unique(found[name].to_numpy())
        if rule == SIDE and (len(values) > 2 or (len(values) == 2 and not values[0] <= HALF < values[1])):
            raise DataError(
                f"{path}: column '{name}' cannot be scored by {metric}",
                expected=f"two values, one of them above {HALF:g} and one not",
                found=", ".join(f"{value:g}" for value in values[:5]) + (" ..." if len(values) > 5 else ""),
                fix=FIX.format(name=name),
            )
        if rule == WHOLE and (values != np.floor(values)).any():
            raise DataError(
                f"{path}: column '{name}' cannot be scored by {metric}",
                expected="whole numbers",
                found=f"{values[values != np.floor(values)][0]:g}",
                fix=FIX.format(name=name),
            )
