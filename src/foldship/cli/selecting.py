"""Blend and post-processing, chosen on out-of-fold predictions; part of both `train` and `bundle`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from foldship import metrics, receipts, selection
from foldship.cli import out_of_fold
from foldship.cli.context import Context
from foldship.mishaps import step
from foldship.modelling import adopted, store
from foldship.selection import FILE_NAME
from foldship_kernel import blend, decisions, grouping, postprocess, quantiles, steps
from foldship_kernel.errors import FoldshipError

# What selections are made by, here and, when they are applied, in the kernel.
CODE = [
    Path(selection.__file__).parent,
    Path(metrics.__file__).parent,
    *(Path(module.__file__ or "") for module in (blend, decisions, grouping, postprocess, quantiles, steps)),
]


@step("choosing blend and post-processing")
def select(context: Context) -> dict[str, Any]:
    """Choose blend and post-processing, unless that was done on just these predictions; `selection.json`."""
    task, folder = context.competition.task, context.workspace.selection
    for name, path in context.models.items():
        _check_trained_on_this(context, name, path)
    found, notes = out_of_fold.read(context)
    fitting = {name: table for name, table in found.items() if table is not None}
    processing = context.experiment.postprocess
    blending = context.experiment.blend
    groups = context.competition.groups(context.rows)
    inputs = receipts.digest(
        {
            "groups": groups.tolist(),
            "group_targets": task.group_targets,
            "truth": context.truth.to_csv(index=False),
            "out_of_fold": {
                name: None if table is None else table.to_csv(index=False) for name, table in found.items()
            },
            "postprocess": processing.model_dump(),
            "blend": blending.model_dump(),
            "rare": context.competition.rare,
            "score": receipts.digest_source(context.competition.score),
            "also": {name: receipts.digest_source(one) for name, one in context.competition.also.items()},
            "code": receipts.digest_files(*CODE),
        }
    )
    if not (receipts.is_current(folder, inputs) and (folder / FILE_NAME).is_file()):
        common: dict[str, Any] = {
            "rare": context.competition.rare,
            "processing": processing,
            "blending": blending,
            "score": context.competition.score,
            "metric": context.competition.declared.metric.name,
        }
        if len(fitting) < len(found):
            selection.run_unfitted(context.truth, found, folder, **common)
        else:
            selection.run(
                context.truth,
                fitting,
                folder,
                groups=groups,
                group_targets=task.group_targets,
                also=context.competition.also,
                notes=notes,
                **common,
            )
        made_of = {"recipe": context.recipe, "data": str(context.data), "generated": context.generated}
        receipts.write(folder, inputs, made_of)
    chosen: dict[str, Any] = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
    return chosen


def _check_trained_on_this(context: Context, name: str, folder: Path) -> None:
    """Refuse a model that was trained with another recipe or on other data: it is not what was asked for."""
    wrong = None
    experiment = context.experiment
    if name in experiment.adopted:
        _check_adopted(context, name, folder)
        return
    card = store.load_card(folder)
    if card.config != experiment.models[name]:
        wrong = f"with other settings than recipe {context.recipe!r} has"
    elif card.seed != experiment.seed_of(name) or card.folds != experiment.folds:
        wrong = f"with another seed or other folds than recipe {context.recipe!r} has"
    elif card.data != receipts.digest(context.rows.to_csv(index=False)):
        wrong = f"on other data than {context.data}"
    if wrong:
        raise FoldshipError(
            f"{folder}: was trained {wrong}",
            fix="name the RECIPE and DATA that it was trained with, or run `make train` with these",
        )


def _check_adopted(context: Context, name: str, folder: Path) -> None:
    """Refuse an adopted model that is not what the recipe declares, or was adopted for other data."""
    card = adopted.load_card(folder)
    wrong = None
    if card.settings != context.experiment.adopted[name]:
        wrong = f"with other settings than recipe {context.recipe!r} has"
    elif card.data != receipts.digest(context.rows.to_csv(index=False)):
        wrong = f"for other data than {context.data}"
    if wrong:
        raise FoldshipError(
            f"{folder}: was adopted {wrong}",
            fix="run `foldship adopt` with this RECIPE and DATA, or name those that it was adopted with",
        )
