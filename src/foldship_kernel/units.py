"""What is run, or left out, as a whole: one fold of one model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from foldship_kernel import account
from foldship_kernel.manifest import FoldEntry, ModelEntry, ScheduledUnit


@dataclass(frozen=True)
class Unit:
    """One fold of one model."""

    model: ModelEntry
    fold: FoldEntry

    def __str__(self) -> str:
        return account.name_of(self.model.name, self.fold.fold)


def order(models: Sequence[ModelEntry], schedule: Sequence[ScheduledUnit]) -> list[Unit]:
    """Folds in the order of the schedule; folds that it does not name go last, in the models' order."""
    places = {(unit.model, unit.fold): place for place, unit in enumerate(schedule)}
    units = [Unit(model, fold) for model in models for fold in model.folds]
    return sorted(units, key=lambda unit: places.get((unit.model.name, unit.fold.fold), len(places)))
