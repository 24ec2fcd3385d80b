"""Whether what the metric scores is what the submission holds; asked before anything is trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from foldship.config.competition import Declared
from foldship.config.scored import MAP
from foldship.metrics import classes
from foldship_kernel.decisions import HALF, SIDE, WHOLE
from foldship_kernel.errors import DataError, FoldshipError, listed
from foldship_kernel.tasks.layout import CLASS, TOP, top

FIX = "declare its values as classes (targets: {{column: {name}, classes: [...]}}), or another metric"


def check_layout(declared: Declared) -> None:
    """Check that a submission of classes holds what its metric looks at.

    Raises:
        FoldshipError: the metric is of decided classes and none is submitted, or of probabilities and only
            decided classes are, or it looks at another number of classes than are submitted.
    """
    if not declared.targets.classes:
        return
    metric, held = declared.metric, list(declared.layout.values())
    column = declared.targets.column
    named = [what for what in held if what == CLASS or what.startswith(TOP)]
    what = f"metric {metric.name} does not score what the submission holds"
    if metric.name in classes.OF_SCORES:
        if len(named) == len(held):
            raise FoldshipError(
                what,
                expected="a column of probabilities: a class by its name, or `probabilities`",
                found=f"under submission only {listed(named)}",
                fix=f"correct submission ({{{column}: {declared.targets.classes[-1]}}} holds how likely that "
                "is), or the metric in competition.yaml",
            )
        return
    wanted = (
        top(min(metric.k, len(declared.targets.classes))) if metric.name == MAP and metric.k > 1 else CLASS
    )
    if wanted not in named or len(set(named)) > 1:
        meant = "class" if wanted == CLASS else f"{{top: {metric.k}}}"
        raise FoldshipError(
            what,
            expected=f"a column with {meant}, and none with another number of classes",
            found=f"under submission {listed(held)}",
            fix=f"write submission: {{{column}: {meant}}}, or correct the metric in competition.yaml",
        )
    blank = [name for name in declared.targets.classes if " " in name] if wanted != CLASS else []
    if blank:
        raise FoldshipError(
            f"classes cannot stand several in a cell: {blank[0]!r} holds a blank, which parts them",
            expected="names without blanks",
            found=listed(blank),
            fix="write other names into targets.classes and into the training file, or another metric",
        )


def check_values(found: pd.DataFrame, rule: str, metric: str, path: Path) -> None:
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
