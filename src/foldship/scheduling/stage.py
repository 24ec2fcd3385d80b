"""The stage's entry: exported folds, their scores and a few rows in, `schedule.json` out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from foldship import receipts
from foldship.modelling import store
from foldship.scheduling import probe
from foldship.scheduling.expectation import BlendOf, Expectation, agreements
from foldship.scheduling.order import Step, greedy, in_turn
from foldship_kernel.atomic import write_json
from foldship_kernel.blend import has_share
from foldship_kernel.fold import ONNX_RUNTIME
from foldship_kernel.manifest import Cost
from foldship_kernel.tasks import Task

FILE_NAME = "schedule.json"
EXPORT = "export.json"
MOST_ROWS, FEWEST_ROWS = 200, 50  # rows on which the folds' agreement is measured
PER_ROWS = 1000  # rows that the schedule's seconds are for
SCORE_DIGITS = 6
SECONDS_DIGITS = 3  # significant ones; there is no more in a cost model
NO_SCORES = (
    "without out-of-fold predictions of every model what a fold gains is not known: one of each model comes "
    "first, the quickest first"
)


def run(
    export_dirs: Mapping[str, Path],
    model_dirs: Mapping[str, Path],
    costs: Mapping[str, Cost],
    seconds: Mapping[str, float],
    selection: Path,
    blend_of: BlendOf,
    rows: pd.DataFrame,
    task: Task,
    out: Path,
    *,
    seen: str | None = None,
) -> dict[str, Any]:
    """Order all folds by expected gain per second, and write `out/schedule.json` with its receipt.

    Nothing is done when it was made from just these inputs.

    Args:
        export_dirs: per model, the folder with `export.json` and the graphs.
        model_dirs: per model, the folder with `model.json` and the tokenizer.
        costs: per model.
        seconds: per model, what one fold takes for `PER_ROWS` rows on the machine that is planned for.
        selection: `selection.json`.
        blend_of: the record of any set of models in its `blends`.
        rows: rows to predict; of more than `MOST_ROWS` as many, evenly spread.
        task: the competition.
        out: folder to write to; made if missing.
        seen: None, or why these are not rows that no fold has learnt from, in words. Only from such, and of
            `FEWEST_ROWS` or more, can the gain of averaging folds be estimated.

    Returns:
        The content of `schedule.json`: `rows` (number of rows that the folds' agreement was measured on),
        `models` (per model its `cost`, and mean `agreement` of its folds or None),
        `units` (see `foldship_kernel.manifest.ScheduledUnit`) and `notes`.
    """
    chosen = json.loads(selection.read_text(encoding="utf-8"))
    names = tuple(sorted(name for name, weight in chosen["weights"].items() if has_share(weight)))
    graphs = {name: receipts.digest(receipts.read(export_dirs[name]).get(receipts.FILES)) for name in names}
    rows = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MOST_ROWS)).astype(np.int64))]
    scored = chosen["blends"][-1]["score"] is not None
    estimating = scored and seen is None and len(rows) >= FEWEST_ROWS
    inputs = receipts.digest(
        {
            "graphs": graphs,
            "reading": [
                receipts.digest_files(model_dirs[n] / store.CARD, model_dirs[n] / store.TOKENIZER)
                for n in names
            ],
            "costs": {name: asdict(costs[name]) for name in names},
            "seconds": {name: seconds[name] for name in names},
            "selection": receipts.read(selection.parent).get("inputs"),
            "rows": rows.to_csv(index=False),
            "seen": seen,
            "code": receipts.digest_files(Path(__file__).parent),
        }
    )
    path = out / FILE_NAME
    if receipts.is_current(out, inputs) and path.is_file():
        done: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return done

    exported = {name: json.loads((export_dirs[name] / EXPORT).read_text(encoding="utf-8")) for name in names}
    folds = {name: sorted(exported[name]["folds"], key=lambda fold: fold["fold"]) for name in names}
    between = None
    if estimating:
        engines = {name: exported[name].get("cpu_engine", ONNX_RUNTIME) for name in names}
        between = agreements(
            [probe.predict(export_dirs[n], model_dirs[n], folds[n], rows, task, engines[n]) for n in names]
        )
    truth = np.array([chosen["correlations"][name] for name in names], dtype=np.float64)
    varied = ~np.isnan(truth[0])  # None where the target does not vary, for all models alike
    seconds = {name: float(f"{seconds[name]:.{SECONDS_DIGITS}g}") for name in names}
    counts = {name: len(folds[name]) for name in names}
    steps: list[Step]
    if scored:
        steps = greedy(counts, seconds, Expectation(names, blend_of, truth, between))
    else:
        steps = in_turn(counts, seconds)
    schedule = {
        "rows": len(rows) if estimating else 0,
        "models": {
            name: {
                "cost": asdict(costs[name]),
                "agreement": None
                if between is None
                else round(float(between[varied, place, place].mean()), SCORE_DIGITS),
            }
            for place, name in enumerate(names)
        },
        "units": [
            {
                "model": step.model,
                "fold": folds[step.model][step.number]["fold"],
                "seconds": seconds[step.model],
                "score": None if step.score is None else round(step.score, SCORE_DIGITS),
            }
            for step in steps
        ],
        "notes": [] if estimating else [_no_estimate(len(rows), seen) if scored else NO_SCORES],
    }
    out.mkdir(parents=True, exist_ok=True)
    write_json(path, schedule)
    receipts.write(out, inputs, {})
    return schedule


def _no_estimate(rows: int, seen: str | None) -> str:
    found = seen or f"there are {rows}"
    return (
        f"what averaging folds gains is estimated on {FEWEST_ROWS} unseen test rows or more, and {found}: "
        "expected scores are those of one fold of each model"
    )
