"""The blend of a set of models, fitted and scored: where time runs out, a run ends with any of them."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldship.config.selecting import PostProcessing
from foldship.metrics import OfClasses, Score, spearman
from foldship.selection import class_steps, deciding, gate, kinds, scores
from foldship.selection.align import OutOfFold
from foldship.selection.scoring import of_column
from foldship.selection.stability import Resamples
from foldship.selection.weighting import Weighting

MOST_MODELS_IN_ALL_SETS = 4  # beyond these there are too many sets to fit them all
Summary = dict[str, dict[str, float | None]]


@dataclass(frozen=True)
class Blend:
    """One set of models.

    Attributes:
        weights: share of each model, one number or one by target; they sum to 1.
        ranks: whether it is a blend of the models' quantiles.
        group_mean: share by which targets of the group move to their mean over its rows.
        voting: whether models vote for classes.
        steps: post-processing fitted on all rows.
        table: (n, C) float64, the out-of-fold predictions blended with these weights.
        raw: (n, C) float64, the same, but each fold's with weights that were fitted on the others.
        nested: (n, C) float64, these post-processed fold by fold with steps from the other folds.
        scores: see `scores.summary`.
    """

    weights: dict[str, float | list[float]]
    ranks: bool
    group_mean: float
    voting: bool
    steps: list[dict[str, Any]]
    table: NDArray[np.float64]
    raw: NDArray[np.float64]
    nested: NDArray[np.float64]
    scores: Summary

    def entry(self) -> dict[str, Any]:
        """What `selection.json` holds of it.

        Keys: `models`, `weights`, `ranks`, `group_mean`, `voting`, `postprocess`, `score` (post-processed,
        nested, mean of the folds; raw where no fold can be scored) and `pooled` (raw, all rows together);
        scores over all columns.
        """
        of_all = self.scores["all"]
        return {
            "models": list(self.weights),
            "weights": self.weights,
            "ranks": self.ranks,
            "group_mean": self.group_mean,
            "voting": self.voting,
            "postprocess": self.steps,
            "score": of_all["pooled"] if of_all["nested"] is None else of_all["nested"],
            "pooled": of_all["pooled"],
        }


def sets(models: Sequence[str]) -> list[tuple[str, ...]]:
    """Sets of models that are fitted before their order is known, the whole set last.

    All sets of up to `MOST_MODELS_IN_ALL_SETS` models; of more, each model alone and the whole.
    """
    names = sorted(models)
    sizes = range(1, len(names) + 1) if len(names) <= MOST_MODELS_IN_ALL_SETS else (1, len(names))
    return [chosen for size in sizes for chosen in itertools.combinations(names, size)]


def fit(
    data: OutOfFold,
    weighting: Weighting,
    rare: Sequence[str],
    processing: PostProcessing,
    score: Score = spearman,
) -> Blend:
    """Fit the post-processing of some models' blend, and score both.

    The steps are fitted on what the kernel's weights make of the rows. For the nested scores, weights, gate
    and steps are all fitted without a fold, then carried out on it.

    Args:
        data: out-of-fold predictions of these models and maybe others.
        weighting: the models' weights.
        rare: targets that the scores "without_rare" leave out.
        processing: how columns are post-processed.
        score: the metric.
    """
    table, raw = weighting.table, weighting.honest
    if isinstance(score, OfClasses):
        steps, nested = class_steps.fit(data.truth, table, data.folds, processing, score, weighting.without)
    else:
        steps, nested = _by_column(data, weighting, processing, score)
    summary = scores.summary(data, raw, nested, rare, score)
    return Blend(
        weights=weighting.shares,
        ranks=weighting.ranks,
        group_mean=weighting.group_mean,
        voting=data.voting,
        steps=steps,
        table=table,
        raw=raw,
        nested=nested,
        scores=summary,
    )


def _by_column(
    data: OutOfFold, weighting: Weighting, processing: PostProcessing, score: Score
) -> tuple[list[dict[str, Any]], NDArray[np.float64]]:
    """Steps of the columns, and the table that is processed with what was fitted on other folds."""
    table, raw = weighting.table, weighting.honest
    tuned = any(other is not table for other in weighting.without.values())
    processing = deciding.processing(processing, score)
    fitters = kinds.fitters(processing.kinds)
    finish = functools.partial(deciding.steps, score=score)
    resamples = Resamples(data.folds, data.groups, count=processing.resamples, rows=processing.resample_rows)
    steps, nested = [], np.empty_like(raw)
    for column, target in enumerate(data.targets):
        truth = data.truth[:, column]
        step, nested[:, column] = gate.fit_column(
            truth,
            table[:, column],
            data.folds,
            fitters,
            processing.minimum_gain,
            leniency=processing.leniency,
            stability=processing.stability,
            resamples=resamples,
            metric=of_column(score),
            without={fold: other[:, column] for fold, other in weighting.without.items()} if tuned else None,
            finish=finish,
        )
        steps += [{"target": target, **one} for one in finish(step, truth)]
    return steps, nested
