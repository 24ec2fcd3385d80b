"""`method: auto`: the best way to blend, if it is surely better than the plain mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from foldship.config.selecting import Blending
from foldship.metrics import Score, mean_score, spearman
from foldship.selection import trial, weighting
from foldship.selection.align import OutOfFold
from foldship.selection.ways import Best, honest, numbers
from foldship.selection.weighting import Weighting

CANDIDATES = ("rank_mean", "stacking", "subsets", "greedy", "weighted")
MEAN = "mean"


@dataclass(frozen=True)
class Trial:
    """One method as it was tried.

    Attributes:
        method: its name.
        score: nested, mean of the folds, over all columns.
        gain: on the plain mean.
        better: share of resamples of the rows' groups in which it gains.
    """

    method: str
    score: float
    gain: float
    better: float


@dataclass(frozen=True)
class Choice:
    """What was chosen.

    Attributes:
        settings: with the method that was chosen.
        weighting: the weights of all models.
        trials: what was tried, the plain mean first; empty where the method was given.
    """

    settings: Blending
    weighting: Weighting
    trials: tuple[Trial, ...] = ()


def choose(data: OutOfFold, models: Sequence[str], settings: Blending, score: Score = spearman) -> Choice:
    """Fit the weights of all models by the method that is asked for, or by the best.

    The best is that with the highest nested score. It has to beat the plain mean by `minimum_gain`, and in a
    share `confidence` of all resamples of the groups. For the honest predictions each fold in turn is left
    out of that decision, too.

    Args:
        data: out-of-fold predictions.
        models: their names.
        settings: the method, and what it has to gain.
        score: the metric.
    """
    single = len(models) == 1 or len(numbers(data)) <= trial.FEWEST_FOLDS
    if settings.method != "auto" or single:
        return Choice(_settled(settings, settings.method), weighting.fit(data, models, settings, score))
    candidates = {
        method: weighting.way(data, models, _settled(settings, method), score)
        for method in (MEAN, *CANDIDATES)
    }
    best = Best(candidates, settings, score)
    known = {
        name: trial.by_fold(data.truth, honest(way), data.folds, score) for name, way in candidates.items()
    }
    trials = [Trial(MEAN, mean_score(known[MEAN]), 0.0, 0.5)]
    for name, gains in best.gains().items():
        trials.append(Trial(name, mean_score(known[name]), *gains.overall()))
    return Choice(
        _settled(settings, best.chosen()), weighting.carried_out(best, settings.group_mean), tuple(trials)
    )


def _settled(settings: Blending, method: str) -> Blending:
    """The settings with a method that is carried out as it is; a plain mean has no weights by column."""
    if method == "auto":
        method = MEAN
    own = settings.per_column and method not in (MEAN, "rank_mean")
    ranks = settings.ranks and method != MEAN
    return settings.model_copy(update={"method": method, "per_column": own, "ranks": ranks})
