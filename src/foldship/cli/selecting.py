"""Blend and post-processing, chosen on out-of-fold predictions; part of both `train` and `bundle`."""

from __future__ import annotations

import json
from typing import Any

from foldship import receipts, selection
from foldship.cli.context import Context
from foldship.modelling import store
from foldship.selection import FILE_NAME


def select(context: Context) -> dict[str, Any]:
    """Choose blend and post-processing, unless that was done on just these predictions; `selection.json`."""
    task, folder = context.competition.task, context.workspace.selection
    out_of_fold = {name: store.out_of_fold(path, task.ID) for name, path in context.models.items()}
    minimum_gain = context.experiment.postprocess.minimum_gain
    inputs = receipts.digest(
        {
            "truth": context.truth.to_csv(index=False),
            "out_of_fold": {name: table.to_csv(index=False) for name, table in out_of_fold.items()},
            "minimum_gain": minimum_gain,
        }
    )
    if not (receipts.is_current(folder, inputs) and (folder / FILE_NAME).is_file()):
        selection.run(context.truth, out_of_fold, folder, context.competition.rare, minimum_gain=minimum_gain)
        receipts.write(folder, inputs, {})
    chosen: dict[str, Any] = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
    return chosen
