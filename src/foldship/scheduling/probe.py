"""Predictions of a model's exported folds, and how fast this machine makes them."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foldship.modelling import library, reading, store
from foldship.terminals import bar as progress_bar
from foldship_kernel.atomic import write_json
from foldship_kernel.budget import TokenBudget
from foldship_kernel.fold import Fold
from foldship_kernel.tasks import Task

SPEED = "speed.json"
GRAPHS = ("encoder", "encoder_cpu", "head")
DIGITS = 3  # of a measured number; there is no more in it


@dataclass(frozen=True)
class Speed:
    """How fast one CPU machine runs a model.

    Attributes:
        tokens_per_s: tokens a second.
        load_s: seconds to load one fold.
    """

    tokens_per_s: float
    load_s: float

    def seconds(self, tokens: float) -> float:
        """What one fold takes for so many tokens, rounded."""
        return _rounded(self.load_s + tokens / self.tokens_per_s)


def predict(
    export_dir: Path,
    model_dir: Path,
    folds: list[dict[str, Any]],
    rows: pd.DataFrame,
    task: Task,
    cpu_engine: str,
) -> tuple[NDArray[np.float64], Speed]:
    """Predict rows with the exported folds of a model, on the CPU.

    Args:
        export_dir: with the graphs.
        model_dir: with `model.json` and the tokenizer.
        folds: their entries in `export.json`.
        rows: n rows, texts and metadata.
        task: the competition.
        cpu_engine: what the kernel will run the encoder with on a CPU.

    Returns:
        Outputs (folds, n, C), and the measured speed.
    """
    card = library.load_card(model_dir)
    encoded, features = reading.read_rows(
        rows, task, model_dir / store.TOKENIZER, card.encoding, card.features
    )
    outputs, load_s, predict_s = [], 0.0, 0.0
    for fold in progress_bar(folds, desc=f"schedule {card.name}", unit="fold"):
        began = time.monotonic()
        encoder, encoder_cpu, head = (export_dir / fold[name] for name in GRAPHS)
        graphs = Fold(encoder, encoder_cpu, head, gpus=0, cpu_engine=cpu_engine)
        loaded = time.monotonic()
        # Not a budget that is found by timing: the same batches give the same bits, and the same schedule.
        budget = TokenBudget(graphs.budgets[1:2])
        logits = graphs.predict(encoded, features, card.encoding, budget=budget)
        load_s += loaded - began
        predict_s += time.monotonic() - loaded
        outputs.append(task.outputs(logits))
    tokens = len(folds) * int(encoded.lengths.sum())
    return np.stack(outputs), Speed(_rounded(tokens / predict_s), _rounded(load_s / len(folds)))


def remembered(model_dir: Path, graphs: str, measured: Speed) -> Speed:
    """The speed that was first measured for these graphs; kept beside the trained model.

    A machine is never equally fast twice, and the same model must give the same bundle to the byte, also when
    `build/` was emptied in between.

    Args:
        model_dir: the trained model's folder.
        graphs: digest of its exported graphs.
        measured: the speed to keep, if there is none yet.
    """
    path = model_dir / SPEED
    with suppress(OSError, ValueError, KeyError, TypeError):
        value = json.loads(path.read_text(encoding="utf-8"))
        if value["graphs"] == graphs:
            return Speed(value["tokens_per_s"], value["load_s"])
    with suppress(OSError):  # weights that cannot be written to: measured anew after the next `make clean`
        write_json(path, {"graphs": graphs, **asdict(measured)})
    return measured


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
