"""Post-processing fitted from sums over sorted rows, against a call of scipy's Spearman for each
candidate.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from bench import timing
from bench.options import Options
from bench.report import Report, ratio
from foldship.config.selecting import Blending, PostProcessing
from foldship.reporting.tables import Table
from foldship.selection import blends, clipping, kinds, rounding, weighting
from foldship.selection.align import OutOfFold
from foldship.selection.blends import Blend
from foldship.selection.ranks import Ranked
from foldship_kernel.errors import FoldshipError
from foldship_kernel.steps import KINDS

Column = NDArray[np.float64]
Fit = Callable[[Column, Column], dict[str, Any]]
PEER = "spearmanr_loop"
LEVELS = 4
CLOSE = 1e-9
FOLDS = 5
CHOSEN = "choosing among"


def run(options: Options) -> Report:
    """Time both ways on the same columns, then every kind on all columns."""
    size = options.size
    columns = made_up(size.fitted_rows, size.fitted_columns)
    few = columns[-size.loop_columns :]
    rivals: dict[str, tuple[Fit, Fit]] = {
        "clip_fit": (clip_by_sums, clip_by_calls),
        "floor_fit": (floor_by_sums, floor_by_calls),
    }
    ratios: dict[str, float] = {}
    compared: list[tuple[str, ...]] = []
    for name, (ours, theirs) in rivals.items():
        seconds = _race(name, {"ours": ours, PEER: theirs}, few, size.rounds)
        ratios |= ratio(name, PEER, ours=seconds["ours"], theirs=seconds[PEER])
        each = (seconds[way] / len(few) for way in ("ours", PEER))
        compared.append(
            (name.replace("_", " "), *(f"{one:.4f}" for one in each), f"{ratios[f'{name}_vs_{PEER}']:.0f}")
        )
    tasks: dict[str, Callable[[], Any]] = {
        kind: partial(_all, _plain(fit), columns) for kind, fit in kinds.FITTERS.items()
    }
    data = out_of_fold(columns)
    tasks |= {
        f"{CHOSEN} {', '.join(chosen)}": partial(
            _choose, data, PostProcessing.model_validate({"kinds": chosen})
        )
        for chosen in (("clip",), tuple(kinds.FITTERS))
    }
    timed = timing.interleave(tasks, size.rounds, warm_up=tasks, describe="kinds")
    if timed.failures:
        raise FoldshipError("postprocess: a kind failed", found="; ".join(timed.failures.values()))
    return Report(
        "postprocess",
        "Fitting the post-processing",
        ratios,
        (
            Table(
                "Seconds a column, the same candidates",
                ("fit", "sums over sorted rows", "scipy.stats.spearmanr", "ratio"),
                tuple(compared),
            ),
            Table(
                f"Seconds for {len(columns)} columns",
                ("what", "seconds"),
                tuple((name, f"{timed.median_s(name):.3f}") for name in tasks),
                f"A kind's line is one fit of every column. {CHOSEN.capitalize()} is all that `foldship` "
                f"does: the nested fits of {FOLDS} folds, the least gain and the stability test of every "
                "column, the scores.",
            ),
        ),
        (
            f"Generated columns of {size.fitted_rows:,} rows with {LEVELS} levels. Medians of {size.rounds} "
            f"rounds; both ways ran {len(few)} of the columns.",
            "Both ways score every candidate, all pairs of clip bounds or all denominators, and must find "
            "the same best score.",
        ),
    )


def out_of_fold(columns: list[tuple[Column, Column]]) -> OutOfFold:
    """The columns as the predictions of one model, two rows to a question."""
    truth, prediction = (np.stack(side, axis=1) for side in zip(*columns, strict=True))
    groups = np.arange(len(truth)) // 2
    return OutOfFold(
        ids=tuple(map(str, range(len(truth)))),
        targets=tuple(f"column{place}" for place in range(len(columns))),
        truth=truth,
        predictions={"model": prediction},
        folds=groups % FOLDS,
        notes=(),
        groups=groups,
    )


def made_up(rows: int, count: int) -> list[tuple[Column, Column]]:
    """Truth and prediction (rows,) of columns of which 2% to 60% are above the lowest level."""
    random = np.random.default_rng(0)
    result = []
    for share in np.geomspace(0.02, 0.6, count):
        truth = np.where(random.random(rows) < share, random.integers(1, LEVELS, rows), 0) / (LEVELS - 1)
        result.append((truth, 0.4 * truth + random.uniform(0, 0.5, rows)))
    return result


def clip_by_sums(truth: Column, prediction: Column) -> dict[str, Any]:
    """The best pair of bounds on these rows, as `clipping` finds it."""
    column = Ranked.of(truth, prediction)
    lows, highs, scores = clipping.surface(column, *clipping.bounds(column, truth))
    row, place = np.unravel_index(scores.argmax(), scores.shape)
    return {"low": lows[row], "high": highs[place], "score": scores[row, place]}


def clip_by_calls(truth: Column, prediction: Column) -> dict[str, Any]:
    """The same by a loop."""
    lows, highs = clipping.bounds(Ranked.of(truth, prediction), truth)
    best = {"low": -np.inf, "high": np.inf, "score": -np.inf}
    for low in lows:
        for high in highs[highs > low]:
            score = float(spearmanr(truth, np.clip(prediction, low, high)).statistic)
            if score > best["score"] + CLOSE:
                best = {"low": low, "high": high, "score": score}
    return best


def floor_by_sums(truth: Column, prediction: Column) -> dict[str, Any]:
    """The best denominator on these rows, as `rounding` finds it."""
    column, floor = Ranked.of(truth, prediction), KINDS["floor"]
    scores = [column.tied(floor(column.value, {"parts": parts})) for parts in rounding.PARTS]
    best = int(np.argmax(scores))
    return {"parts": rounding.PARTS[best], "score": scores[best]}


def floor_by_calls(truth: Column, prediction: Column) -> dict[str, Any]:
    """The same by a loop."""
    floor = KINDS["floor"]
    scores = [
        float(spearmanr(truth, floor(prediction, {"parts": parts})).statistic) for parts in rounding.PARTS
    ]
    best = int(np.nanargmax(scores))
    return {"parts": rounding.PARTS[best], "score": scores[best]}


def _plain(fit: kinds.Fitter) -> Callable[[Column, Column], Any]:
    return lambda truth, prediction: fit(truth, prediction, None)


def _all(fit: Callable[[Column, Column], Any], columns: list[tuple[Column, Column]]) -> list[Any]:
    return [fit(truth, prediction) for truth, prediction in columns]


def _choose(data: OutOfFold, processing: PostProcessing) -> Blend:
    return blends.fit(data, weighting.fit(data, ["model"], Blending()), (), processing)


def _race(
    name: str, ways: dict[str, Fit], columns: list[tuple[Column, Column]], rounds: int
) -> dict[str, float]:
    """Median seconds of each way.

    Raises:
        FoldshipError: a way failed, or they did not find the same.
    """
    tasks = {way: partial(_all, fit, columns) for way, fit in ways.items()}
    warm_up = {
        way: partial(_all, fit, [(truth[:50], prediction[:50]) for truth, prediction in columns[:1]])
        for way, fit in ways.items()
    }
    timed = timing.interleave(tasks, rounds, warm_up=warm_up, describe=name)
    if timed.failures:
        raise FoldshipError(f"{name}: a way failed", found="; ".join(timed.failures.values()))
    for ours, theirs in zip(*(timed.outputs[way][0] for way in ways), strict=True):
        if abs(ours["score"] - theirs["score"]) > CLOSE:
            raise FoldshipError(f"{name}: the two ways differ", expected=repr(theirs), found=repr(ours))
    return {way: timed.median_s(way) for way in ways}
