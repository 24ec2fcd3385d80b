"""Out-of-fold predictions of an experiment's models, as selection and schedule take them."""

from __future__ import annotations

import pandas as pd

from foldship.cli.context import Context
from foldship.folds import FOLD
from foldship.modelling import library


def read(context: Context) -> tuple[dict[str, pd.DataFrame | None], list[str]]:
    """Per model its predictions, or None where there are none; and what a person should know.

    Models that are trained here have the same folds. One that was trained elsewhere may have others: its
    predictions are out-of-fold all the same, so what is fitted on them is scored on the folds of the others,
    of those trained here or else of the first whose folds are known.
    """
    key = context.competition.task.id
    found = {name: library.out_of_fold(path, key) for name, path in context.models.items()}
    elsewhere = [name for name in context.experiment.adopted if found[name] is not None]
    known = [name for name in elsewhere if library.knows_held_out(context.models[name])]
    leading = [*context.experiment.models, *known, *elsewhere][:1]
    notes = []
    for name in elsewhere:
        table, reference = found[name], found[leading[0]]
        assert table is not None and reference is not None
        folds = reference.set_index(key)[FOLD].reindex(table[key])
        if (folds.to_numpy() != table[FOLD].to_numpy()).any():
            found[name] = table.assign(**{FOLD: folds.to_numpy()}).dropna(subset=[FOLD])
            notes.append(
                f"{name} was trained on other folds than {leading[0]}: scores are by those of the latter"
            )
    return found, notes
