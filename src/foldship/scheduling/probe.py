"""Predictions of a model's exported folds for a few rows, from which it is told how much the folds agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foldship.modelling import library, reading, store
from foldship.terminals import bar as progress_bar
from foldship_kernel import budget
from foldship_kernel.fold import Fold
from foldship_kernel.tasks import Task

GRAPHS = ("encoder", "encoder_cpu", "head")


def predict(
    export_dir: Path,
    model_dir: Path,
    folds: list[dict[str, Any]],
    rows: pd.DataFrame,
    task: Task,
    cpu_engine: str,
) -> NDArray[np.float64]:
    """Predict rows with the exported folds of a model, on the CPU.

    Args:
        export_dir: with the graphs.
        model_dir: with `model.json` and the tokenizer.
        folds: their entries in `export.json`.
        rows: n rows, texts and metadata.
        task: the competition.
        cpu_engine: what the kernel will run the encoder with on a CPU.

    Returns:
        Outputs (folds, n, C).
    """
    card = library.load_card(model_dir)
    encoded, features = reading.read_rows(
        rows, task, model_dir / store.TOKENIZER, card.encoding, card.features
    )
    outputs = []
    for fold in progress_bar(folds, desc=f"schedule {card.name}", unit="fold"):
        encoder, encoder_cpu, head = (export_dir / fold[name] for name in GRAPHS)
        graphs = Fold(encoder, encoder_cpu, head, gpus=0, cpu_engine=cpu_engine)
        # Not a budget that is found by timing: the schedule must be the same each time it is made.
        logits = graphs.predict(encoded, features, card.encoding, budget=budget.steady(graphs.budgets))
        outputs.append(task.outputs(logits))
    return np.stack(outputs)
