"""The folds of the training rows, made once per data set; part of `train` and `adopt`."""

from __future__ import annotations

import pandas as pd

from foldship import folds, receipts
from foldship.cli.context import Context


def split(context: Context) -> pd.DataFrame:
    """Id, group and fold of each training row, in their order.

    Kept per data set, so that trying the sample does not disturb the folds of the real rows.
    """
    task, rows, settings = context.competition.task, context.rows, context.experiment.folds
    groups = context.competition.groups(rows)
    key = receipts.digest([sorted(zip(rows[task.id], groups, strict=True)), settings.model_dump()])
    return folds.load_or_make(
        context.workspace.weights / "folds" / f"{key[:12]}.csv",
        rows[task.id],
        groups,
        rows[list(task.targets)],
        settings.count,
        settings.seed,
    )
