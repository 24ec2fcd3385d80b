"""Whether there is something to learn and to score in the training rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from foldship.competitions.base import Competition
from foldship.metrics import is_constant
from foldship.preflight.answers import Finding, note, refusal
from foldship_kernel.errors import listed
from foldship_kernel.tasks import CLASSES

SCRATCHES = 1e-3  # share of the range by which a trial's predictions differ


def look(competition: Competition, train: pd.DataFrame, folds: int) -> Iterator[Finding]:
    """Constant columns, a metric that cannot score them, classes too rare for the folds.

    Args:
        competition: what is declared.
        train: the training rows.
        folds: how many there are to be.
    """
    task = competition.task
    path = competition.declared.files.train
    truth = train[list(task.targets)].to_numpy(np.float64)
    constant = is_constant(truth)
    if task.kind == CLASSES:
        present = truth.any(axis=0)
        if present.sum() < 2:
            only = task.targets[int(present.argmax())]
            yield refusal(
                f"{path}: all rows are of one class",
                expected="rows of two classes or more",
                found=f"{len(train)} rows of {only}",
                fix="give the whole training file, or correct targets in competition.yaml",
            )
            return
        yield from _rare(competition, truth, competition.groups(train), folds)
    elif constant.all():
        yield refusal(
            f"{path}: no target can be learnt: each holds one value only",
            expected="rows that differ in at least one target",
            found=f"{len(train)} rows",
            fix="give the whole training file, or correct targets in competition.yaml",
        )
        return
    elif constant.any():
        names = [name for name, flat in zip(task.targets, constant, strict=True) if flat]
        yield note(f"{path}: {listed(names)}: one value only in all {len(train)} rows, so there is no score")
    yield from _scored(competition, truth)


def _scored(competition: Competition, truth: np.ndarray) -> Iterator[Finding]:
    """A trial of the metric, on predictions that differ from row to row and know nothing."""
    task, random = competition.task, np.random.default_rng(0)
    spread = SCRATCHES * (task.high - task.low)
    guess = np.clip(truth.mean(axis=0) + spread * random.random(truth.shape), task.low, task.high)
    if np.isnan(competition.score(truth, guess)).all():
        name = competition.declared.metric.name
        yield refusal(
            f"metric: {name} has no value on the training rows",
            expected="targets that it can score",
            found=f"numbers from {truth.min():g} to {truth.max():g} in {listed(task.targets)}",
            fix="correct metric in competition.yaml; an area needs rows above 0.5, and others",
        )


def _rare(competition: Competition, truth: np.ndarray, groups: pd.Series, folds: int) -> Iterator[Finding]:
    task, names = competition.task, groups.to_numpy()
    counts = {name: len(set(names[truth[:, place] == 1])) for place, name in enumerate(task.targets)}
    never = [name for name, count in counts.items() if not count]
    rare = [f"{name} ({count})" for name, count in counts.items() if 0 < count < folds]
    if never:
        yield note(
            f"{competition.declared.files.train}: no row is of class {listed(never)}",
            fix="it cannot be learnt, and will hardly ever be predicted",
        )
    if rare:
        yield note(
            f"{competition.declared.files.train}: fewer groups of rows than the {folds} folds have "
            f"{'class' if len(rare) == 1 else 'classes'} {listed(rare)}",
            fix="some folds learn or score without a row of these; fewer folds would have more",
        )
