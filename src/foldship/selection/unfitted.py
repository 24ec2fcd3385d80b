"""Models without out-of-fold predictions: nothing can be fitted or scored, so all count alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from foldship import metrics
from foldship.config.selecting import Blending, PostProcessing
from foldship.metrics import Score
from foldship.selection import blends, scores, weighting
from foldship.selection.align import align
from foldship.selection.choose import DISTRIBUTIONS, FILE_NAME, NESTED, OUT_OF_FOLD, Selection
from foldship_kernel.atomic import write_json
from foldship_kernel.errors import listed

_UNKNOWN = {"score": None, "score_without_rare": None}


def run_unfitted(
    truth: pd.DataFrame,
    oof: Mapping[str, pd.DataFrame | None],
    out: Path,
    rare: tuple[str, ...] = (),
    *,
    processing: PostProcessing,
    blending: Blending,
    score: Score,
    metric: str,
) -> Selection:
    """Write a selection with equal weights, no post-processing, and no score of any blend.

    Args:
        truth: id column first, then one column per target; all training rows.
        oof: per model its out-of-fold predictions, or None; those that are there are scored by themselves.
        out: folder to write `selection.json` to, made if missing; what an earlier selection left besides is
            removed.
        rare, processing, blending, score, metric: as of `choose.run`.

    Raises:
        DataError: a model's out-of-fold predictions do not fit the truth.
        FoldshipError: settings do not fit the targets.
    """
    of_classes = isinstance(score, metrics.OfClasses)
    weighting.check(blending, of_classes=of_classes)
    names = sorted(oof)
    targets = [str(name) for name in truth.columns[1:]]
    known = {name: align(truth, {name: table}) for name, table in oof.items() if table is not None}
    lacking = [name for name in names if name not in known]
    common = scores.common(targets, rare)
    selection = Selection(
        weights=_equal(names),
        blend=blending.model_dump() | {"method": "mean", "ranks": False, "per_column": False},
        trials=[],
        grids={},
        steps=[],
        blends=[_entry(models, blending) for models in blends.sets(names)],
        fallback=scores.fallback(truth),
        models={
            name: scores.pooled(known[name], known[name].predictions[name], rare, score)
            if name in known
            else _UNKNOWN
            for name in names
        },
        correlations={name: [None] * len(targets) for name in names},
        scores={
            kind: {"columns": count, "pooled": None, "raw": None, "nested": None}
            for kind, count in (("all", len(targets)), ("without_rare", len(common)))
        },
        folds=[],
        columns=[
            {"target": name, "pooled": None, "raw": None, "nested": None, "folds": [], "step": None}
            for name in targets
        ],
        rows=len(truth),
        rare=[name for name in targets if name in rare],
        metric=metric,
        also={},
        bands=[],
        confusion=[],
        processing=processing.model_dump(),
        notes=[
            f"there are no out-of-fold predictions of {listed(lacking)}: all models count alike, nothing is "
            "post-processed, and what the blend scores is not known"
        ],
    )
    out.mkdir(parents=True, exist_ok=True)
    for name in (OUT_OF_FOLD, NESTED, DISTRIBUTIONS):
        (out / name).unlink(missing_ok=True)
    write_json(out / FILE_NAME, asdict(selection))
    return selection


def is_scored(chosen: Mapping[str, Any]) -> bool:
    """Whether the blend of all models of a `selection.json` has a score: not where one has no predictions."""
    return chosen["blends"][-1]["score"] is not None


def _entry(models: Sequence[str], blending: Blending) -> dict[str, Any]:
    """A record as `blends.Blend.entry` gives it."""
    return {
        "models": list(models),
        "weights": _equal(models),
        "ranks": False,
        "group_mean": blending.group_mean,
        "voting": blending.votes == "hard",
        "postprocess": [],
        "score": None,
        "pooled": None,
    }


def _equal(models: Sequence[str]) -> dict[str, float]:
    return dict.fromkeys(models, 1 / len(models))
