"""The order in which the kernel runs the folds; part of `bundle`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from foldship import projection, scheduling, selection
from foldship.cli import out_of_fold
from foldship.cli.context import Context
from foldship.config.selecting import Blending
from foldship.mishaps import step
from foldship_kernel.errors import DataError, listed
from foldship_kernel.manifest import Cost


@step("planning the order of the folds")
def schedule(
    context: Context, exported: Mapping[str, Path], costs: Mapping[str, Cost], accelerator: str
) -> dict[str, Any]:
    """Order the exported folds, unless that was done on just these; the content of `schedule.json`.

    Blends of sets of models that the order brings up, and that the selection has not fitted yet, are fitted
    and added to `selection.json`.

    Args:
        context: the run of the program.
        exported: per model, the folder with its graphs.
        costs: per model.
        accelerator: what the kernel asks for, "cpu" or "gpu".
    """
    seconds = {name: _seconds(exported[name], costs[name], accelerator) for name in exported}
    blends = _Blends(context)
    rows, seen = _probe_rows(context)
    made = scheduling.run(
        exported,
        context.models,
        costs,
        seconds,
        context.workspace.selection / selection.FILE_NAME,
        blends.of,
        rows,
        context.competition.task,
        context.workspace.schedule,
        seen=seen,
    )
    blends.keep(unit["model"] for unit in made["units"])
    return made


def _seconds(exported: Path, cost: Cost, accelerator: str) -> float:
    """What one fold takes for `scheduling.PER_ROWS` rows, by the cost model: no clock decides an order."""
    fold = json.loads((exported / "export.json").read_text(encoding="utf-8"))["folds"][0]
    encoder = fold["encoder" if accelerator == "gpu" else "encoder_cpu"]
    size = sum((exported / name).stat().st_size for name in {encoder, fold["head"], *fold["weights"]})
    return projection.planned_s(asdict(cost), size, scheduling.PER_ROWS, accelerator)


def _probe_rows(context: Context) -> tuple[pd.DataFrame, str | None]:
    """Test rows where DATA has any, else training rows; and why a fold may have learnt from them, if so."""
    try:
        rows, _ = context.competition.task.read_test(context.data)
    except DataError:
        return context.rows, "there are none that can be read"
    students = [name for name, model in context.experiment.models.items() if model.pseudo_labels is not None]
    seen = f"{listed(students)} learnt from these by pseudo_labels" if students else None
    return context.with_passages(pd.concat(rows.chunks())), seen


class _Blends:
    """Records of `selection.json`'s `blends`, further ones fitted when they are asked for."""

    def __init__(self, context: Context) -> None:
        self._context = context
        stored = json.loads((context.workspace.selection / selection.FILE_NAME).read_text(encoding="utf-8"))
        self._blending = Blending.model_validate(stored["blend"])
        self._stored = {frozenset(blend["models"]): blend for blend in stored["blends"]}
        self._blind = not selection.is_scored(stored)
        self._further: dict[frozenset[str], dict[str, Any]] = {}

    def of(self, models: frozenset[str]) -> dict[str, Any]:
        known = self._stored.get(models) or self._further.get(models)
        if known is None:
            known = self._further[models] = self._fit(models)
        return known

    def keep(self, order: Iterable[str]) -> None:
        """Add the blends of the first models of an order to `selection.json`, where they can be fitted."""
        if self._blind:
            return
        models = list(dict.fromkeys(order))
        wanted = [frozenset(models[: count + 1]) for count in range(len(models))]
        lacking = [self.of(names) for names in wanted if names not in self._stored]
        if lacking:
            selection.add_blends(self._context.workspace.selection, lacking)

    def _fit(self, models: frozenset[str]) -> dict[str, Any]:
        context = self._context
        oof = {name: table for name, table in out_of_fold.read(context)[0].items() if table is not None}
        return selection.fit_blend(
            context.truth,
            oof,
            models,
            context.competition.rare,
            processing=context.experiment.postprocess,
            blending=self._blending,
            groups=context.competition.groups(context.rows),
            group_targets=context.competition.task.group_targets,
            score=context.competition.score,
        )
