"""The stage's entry: out-of-fold predictions in, `selection.json` out."""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foldship import metrics
from foldship.config.selecting import Blending, PostProcessing
from foldship.metrics import Score
from foldship.metrics.classes import f1_by_class
from foldship.selection import automatic, blends, class_steps, details, gate, scores, ways, weighting
from foldship.selection.align import FOLD, RETRAIN, OutOfFold, align
from foldship.terminals import bar as progress_bar
from foldship_kernel import postprocess
from foldship_kernel.atomic import write_csv, write_json
from foldship_kernel.blend import votes
from foldship_kernel.errors import DataError

FILE_NAME = "selection.json"
OUT_OF_FOLD = "oof.csv"
NESTED = "nested.csv"
DISTRIBUTIONS = "distributions.json"
PLAIN_MEAN = Blending()
PLAIN_PROCESSING = PostProcessing()


@dataclass(frozen=True)
class Selection:
    """What the kernel will do with its models' predictions, and what that scored; `selection.json` holds it.

    Attributes:
        weights: share of each model in the blend of all, one number or one by target; they sum to 1.
        blend: settings of the blends, with the method that was chosen.
        trials: one record per method that `auto` tried, see `automatic.Trial`; else empty.
        grids: per model and target quantiles of its out-of-fold predictions; empty unless they are blended.
        steps: its fitted post-processing, as `foldship_kernel.postprocess` applies it.
        blends: one record per set of models that was fitted, that of all models last, see `Blend.entry`.
        fallback: per target the mean and spread (standard deviation) of the training rows, for a submission
            without any model.
        models: per model its raw out-of-fold scores, all rows together.
        correlations: per model the raw score of each target, all rows together; None where the truth does
            not vary, 0 where the prediction does not.
        scores: of the blend of all models, see `scores.summary`.
        folds: one record per fold, see `scores.by_fold`.
        columns: one record per target, see `scores.by_column`; of classes, their F1.
        rows: number of rows that all this was fitted on.
        rare: targets that the scores "without_rare" leave out.
        metric: its name.
        also: further metrics of the blend by name, see `scores.summary`.
        bands: see `details.bands`, of the nested predictions; empty for classes.
        confusion: see `details.confusion`; empty for numbers.
        processing: settings of the post-processing.
        notes: what a person should know, one line each.
    """

    weights: Mapping[str, float | Sequence[float]]
    blend: Mapping[str, Any]
    trials: Sequence[Mapping[str, Any]]
    grids: Mapping[str, Sequence[Sequence[float]]]
    steps: Sequence[Mapping[str, Any]]
    blends: Sequence[Mapping[str, Any]]
    fallback: Mapping[str, Mapping[str, float]]
    models: Mapping[str, Mapping[str, float | None]]
    correlations: Mapping[str, Sequence[float | None]]
    scores: Mapping[str, Mapping[str, float | None]]
    folds: Sequence[Mapping[str, Any]]
    columns: Sequence[Mapping[str, Any]]
    rows: int
    rare: Sequence[str]
    metric: str
    also: Mapping[str, Mapping[str, float | None]]
    bands: Sequence[Mapping[str, Any]]
    confusion: Sequence[Sequence[int]]
    processing: Mapping[str, Any]
    notes: Sequence[str]


def check(processing: PostProcessing, blending: Blending, *, of_classes: bool) -> None:
    """Check that settings fit the targets; no predictions are needed for that.

    Raises:
        FoldshipError: they do not.
    """
    class_steps.check(processing.kinds, of_classes=of_classes)
    weighting.check(blending, of_classes=of_classes)


def run(
    truth: pd.DataFrame,
    oof: Mapping[str, pd.DataFrame],
    out: Path,
    rare: tuple[str, ...] = (),
    *,
    processing: PostProcessing = PLAIN_PROCESSING,
    blending: Blending = PLAIN_MEAN,
    groups: pd.Series | None = None,
    group_targets: Sequence[str] = (),
    score: Score = metrics.spearman,
    metric: str = "spearman",
    also: Mapping[str, Score] = MappingProxyType({}),
    notes: Sequence[str] = (),
) -> Selection:
    """Choose blend and post-processing, and write them with their scores.

    Scores named "nested" come from rows that the post-processing was neither fitted nor chosen on; of the
    blend, raw ones too come from rows that the weights were not fitted on.

    Args:
        truth: id column first, then one column per target; all training rows.
        oof: out-of-fold predictions per model: id, targets, `fold`; in any row order.
        out: folder to write to, made if missing: `selection.json`, `oof.csv` (the raw blend), `nested.csv`
            (the same post-processed, comparable within a fold only) and `distributions.json` (histograms for
            pictures).
        rare: targets too rare to score well; means are reported with and without them.
        processing: how columns are post-processed.
        blending: how the models are blended.
        groups: group of each row of the truth, in its order; None where each row stands for itself.
        group_targets: targets that belong to a row's group alone.
        score: the metric.
        metric: its name.
        also: further metrics that are reported, by name.
        notes: what else a person should know about the predictions, one line each.

    Raises:
        DataError: the tables do not fit together, see `align`, or no target can be scored.
        FoldshipError: settings do not fit the targets.
    """
    of_classes = isinstance(score, metrics.OfClasses)
    check(processing, blending, of_classes=of_classes)
    data = _voting(align(truth, oof, groups, group_targets), blending)
    if metrics.is_constant(data.truth).all():
        raise DataError(
            "no target can be scored: each holds one value only",
            expected="rows that differ in at least one target",
            found=f"{len(data.ids)} rows",
            fix=RETRAIN,
        )
    names = tuple(data.predictions)
    choice = automatic.choose(data, names, blending, score)
    *parts, _ = blends.sets(names)
    weightings = (weighting.fit(data, models, choice.settings, score) for models in parts)
    progress = progress_bar(
        itertools.chain(weightings, [choice.weighting]),
        desc="blends",
        unit="blend",
        total=len(parts) + 1,
    )
    fitted = [blends.fit(data, weights, rare, processing, score) for weights in progress]
    whole = fitted[-1]
    processed, said = postprocess.apply(pd.DataFrame(whole.table, columns=list(data.targets)), whole.steps)
    selection = Selection(
        weights=whole.weights,
        blend=choice.settings.model_dump(),
        trials=[asdict(trial) for trial in choice.trials],
        grids={name: grid.tolist() for name, grid in ways.grids(data).items()}
        if choice.weighting.ranks
        else {},
        steps=whole.steps,
        blends=[blend.entry() for blend in fitted],
        fallback=scores.fallback(truth),
        models={name: scores.pooled(data, table, rare, score) for name, table in data.predictions.items()},
        correlations={
            name: scores.correlations(data.truth, table) for name, table in data.predictions.items()
        },
        scores=whole.scores,
        folds=scores.by_fold(data, whole.raw, whole.nested, rare, score),
        # The metric of classes is one for all; what tells them apart is their own F1.
        columns=scores.by_column(
            data, whole.raw, whole.nested, whole.steps, f1_by_class if of_classes else score
        ),
        rows=len(data.ids),
        rare=[name for name in data.targets if name in rare],
        metric=metric,
        also={
            name: scores.summary(data, whole.raw, _judged(whole, score, one), (), one)["all"]
            for name, one in also.items()
        },
        bands=[] if of_classes else details.bands(data, whole.nested),
        confusion=details.confusion(data, whole.nested) if of_classes else [],
        processing=processing.model_dump(),
        notes=[*notes, *data.notes, *_too_few_folds(data.folds), *said],
    )
    out.mkdir(parents=True, exist_ok=True)
    for name, table in ((OUT_OF_FOLD, whole.raw), (NESTED, whole.nested)):
        frame = pd.DataFrame(table, columns=list(data.targets))
        frame.insert(0, str(truth.columns[0]), list(data.ids))
        write_csv(out / name, frame.assign(**{FOLD: data.folds}))
    write_json(out / DISTRIBUTIONS, scores.distributions(data, whole.table, processed.to_numpy()))
    write_json(out / FILE_NAME, asdict(selection))
    return selection


def fit_blend(
    truth: pd.DataFrame,
    oof: Mapping[str, pd.DataFrame],
    models: Collection[str],
    rare: tuple[str, ...] = (),
    *,
    processing: PostProcessing = PLAIN_PROCESSING,
    blending: Blending = PLAIN_MEAN,
    groups: pd.Series | None = None,
    group_targets: Sequence[str] = (),
    score: Score = metrics.spearman,
) -> dict[str, Any]:
    """Fit one more blend, on the rows that all models of `oof` predicted, as `run` does.

    Args:
        truth, oof, rare, processing, groups, group_targets, score: as in `run`.
        models: which of the models it blends.
        blending: how, as `run` chose it (`Selection.blend`).

    Returns:
        A record as in `Selection.blends`.

    Raises:
        DataError: as `run`.
    """
    data = _voting(align(truth, oof, groups, group_targets), blending)
    weights = weighting.fit(data, sorted(models), blending, score)
    return blends.fit(data, weights, rare, processing, score).entry()


def _voting(data: OutOfFold, blending: Blending) -> OutOfFold:
    """The data with each model's votes in the place of its probabilities, where these are asked for."""
    if blending.votes == "soft":
        return data
    voted = {name: votes(table) for name, table in data.predictions.items()}
    return replace(data, predictions=voted, voting=True)


def add_blends(out: Path, entries: Sequence[Mapping[str, Any]]) -> None:
    """Put further records into the `blends` of `selection.json`, before that of all models."""
    selection = json.loads((out / FILE_NAME).read_text(encoding="utf-8"))
    selection["blends"][-1:-1] = entries
    write_json(out / FILE_NAME, selection)


def _judged(whole: blends.Blend, score: Score, other: Score) -> NDArray[np.float64]:
    """What another metric is shown of a blend: what one of scores makes of decided values says nothing."""
    return whole.raw if metrics.decision(score) and not metrics.decision(other) else whole.nested


def _too_few_folds(folds: NDArray[np.int64]) -> list[str]:
    count = len(np.unique(folds))
    if count < gate.FEWEST_FOLDS:
        return [f"post-processing is fitted on {gate.FEWEST_FOLDS} trained folds at least, there is {count}"]
    if count == gate.FEWEST_FOLDS:
        return [f"nested scores show what post-processing gains with {count + 1} folds or more, not {count}"]
    return []
