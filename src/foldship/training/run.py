"""All folds of all models: what is finished is kept, what is broken off goes on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from foldship.config.schema import Experiment, Model
from foldship.metrics import Score, spearman
from foldship.mishaps import step
from foldship.modelling import lock
from foldship.modelling.store import ModelCard
from foldship.training import disk, frozen_states, prepare, side_by_side
from foldship.training.pseudo import Unlabelled
from foldship_kernel import grouping
from foldship_kernel.tasks import Task


@step("training")
def run(
    task: Task,
    experiment: Experiment,
    rows: pd.DataFrame,
    folds_table: pd.DataFrame,
    weights: Path,
    *,
    jobs: int | None = None,
    unlabelled: Unlabelled | None = None,
    score: Score = spearman,
    drafts: Mapping[str, ModelCard] | None = None,
) -> list[Path]:
    """Train every model of the experiment.

    Args:
        task: the competition's task.
        experiment: models and seed.
        rows: training rows with float targets.
        folds_table: id, group and fold of each row.
        weights: the competition's folder for weights.
        jobs: most folds to train at once on a CPU; None takes as many as the machine bears.
        unlabelled: rows that models with `pseudo_labels` learn from besides, and that backbones adapt to.
        score: the metric.
        drafts: what `prepare.draft` made of each model, where that was asked before.

    Returns:
        The folder of each model, with `oof.csv` in it.

    Raises:
        FoldshipError: settings do not fit the data or the machine, another training is at work in `weights`,
            or the disk is full.
    """
    # Blending comes after the last fold: too late to hear that its settings do not fit.
    grouping.columns(task.group_targets, task.targets, experiment.blend.group_mean)
    given = prepare.Given(task, experiment, rows, folds_table, weights, unlabelled, score)
    if drafts is None:  # before anything is trained
        drafts = {name: prepare.draft(name, given) for name in experiment.models}
    folders = []
    with lock.held(weights):
        for wave in _waves(experiment.models):
            prepared = [prepare.prepare(drafts[name], given) for name in wave]
            works = [work for model in prepared for work in model.works]
            folds = sum(len(model.numbers) for model in prepared)
            side_by_side.run(works, jobs, disk.check_space, folds - len(works))
            folders += [model.finish() for model in prepared]
        frozen_states.clear(weights)
    return folders


def _waves(models: Mapping[str, Model]) -> list[list[str]]:
    """The models in order, in parts trained as one queue of folds: a student waits for its teacher."""
    waves: list[list[str]] = [[]]
    for name, config in models.items():
        if config.pseudo_labels is not None and config.pseudo_labels.teacher in waves[-1]:
            waves.append([])
        waves[-1].append(name)
    return waves
