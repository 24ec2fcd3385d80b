"""Whole built kernels, run as the platform runs them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.competition import quest
from bench.machine import ROOT
from bench.models import Exported
from foldship.modelling import costs
from foldship.shipping import bundle, models
from foldship.shipping.settings import KernelConfig
from foldship_kernel import atomic
from foldship_kernel.errors import FoldshipError

TEMPLATE = ROOT / "kernels" / "main.py"


@dataclass(frozen=True)
class Finished:
    """One run of a kernel.

    Attributes:
        seconds: from the start of the process to its end.
        memory_gib: largest resident memory of the process that predicts.
        journal: its `foldship.json`.
    """

    seconds: float
    memory_gib: float
    journal: dict[str, Any]


def build(exported: Exported, folder: Path, *, folds: int) -> Path:
    """Bundle the model's first folds below `folder`, and return the folder that holds kernel and dataset."""
    export = folder / "export"
    shutil.copytree(exported.folder, export)
    summary = json.loads((export / models.EXPORT).read_text(encoding="utf-8"))
    kept = summary["folds"][:folds]
    atomic.write_json(export / models.EXPORT, {**summary, "folds": kept})
    card = exported.card
    name, weights = card.name, {card.name: 1.0}
    selection = {
        "weights": weights,
        "models": {name: {"score": 0.0}},
        "blends": [{"models": [name], "weights": weights, "postprocess": [], "score": None}],
        "fallback": {target: {"mean": 0.5, "spread": 0.2} for target in quest.targets},
    }
    atomic.write_json(folder / "selection.json", selection)
    longest = np.array([tower.max_tokens for tower in card.encoding.towers])
    schedule = {
        "models": {name: {"cost": asdict(costs.cost(card.source, longest, rows=1))}},
        "units": [{"model": name, "fold": fold["fold"], "seconds": 1.0, "score": None} for fold in kept],
    }
    atomic.write_json(folder / "schedule.json", schedule)
    bundle.build(
        {name: export},
        {name: exported.model_dir},
        folder / "selection.json",
        folder / "schedule.json",
        KernelConfig(
            title="Bench Kernel",
            dataset_title="Bench Bundle",
            competition="google-quest-challenge",
            owner="bench",
        ),
        quest,
        folder,
        main_template=TEMPLATE,
        wheels=(),
    )
    return folder


def write_input(folder: Path, rows: pd.DataFrame) -> Path:
    """Write test.csv and sample_submission.csv."""
    folder.mkdir(parents=True)
    rows.to_csv(folder / "test.csv", index=False)
    template = rows[[quest.id]].assign(**dict.fromkeys(quest.targets, 0.5))
    template.to_csv(folder / "sample_submission.csv", index=False)
    return folder


def run(built: Path, test: Path, scratch: Path) -> Finished:
    """Run `main.py` in its own process, with the bundle and the test files as its only inputs.

    Raises:
        FoldshipError: it failed, or left folds out.
    """
    inputs, working = scratch / "input", scratch / "working"
    shutil.rmtree(scratch, ignore_errors=True)
    inputs.mkdir(parents=True)
    (inputs / "bundle").symlink_to(built / "dataset")
    (inputs / "competition").symlink_to(test)
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(built / "kernel" / "main.py")],
        cwd=scratch,
        env={**os.environ, "FOLDSHIP_INPUT": str(inputs), "FOLDSHIP_WORKING": str(working)},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - began
    journal = working / "foldship.json"
    facts = json.loads(journal.read_text(encoding="utf-8")) if journal.is_file() else {}
    if done.returncode or facts.get("status") != "complete":
        raise FoldshipError(
            f"{built}: the kernel did not run to its end",
            expected="exit status 0 and all folds",
            found=f"exit status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}",
        )
    return Finished(seconds, facts["peak_memory_gib"], facts)
