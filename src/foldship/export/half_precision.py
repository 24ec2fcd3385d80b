"""The rung of half precision: what a GPU would compute, and what is at fault where that is something else."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from foldship.export import on_gpu, parity
from foldship.export.draft import FP32, HALF, Draft
from foldship.export.parity import Outputs, ParityError, ValuesError
from foldship.export.samples import Rows
from foldship.modelling import graph_files
from foldship.modelling.library import Card
from foldship_kernel import batching
from foldship_kernel.fold import Fold


def climb(card: Card, draft: Draft, rows: Rows, encoder: Path, head: Path, needed: bool) -> list[str]:
    """Compare the fp16 graph, its results rounded as on a GPU, with the fp32 one.

    Args:
        card, draft, rows: the model, one of its folds, and the ladder's rows.
        encoder, head: the graphs as they are shipped.
        needed: whether a GPU will run them.

    Returns:
        What is wrong, where they are not needed; nothing where they are right.

    Raises:
        ParityError: they are needed, and predict something else; names the node that is at fault.
    """
    path = encoder.with_name(f".{encoder.name}")
    graph_files.save(on_gpu.rounding(graph_files.load(encoder), encoder.parent), path)
    try:
        outputs = parity.outputs(card, Fold(path, path, head, gpus=0), rows)
    finally:
        path.unlink()
    try:
        draft.ladder.climb(parity.HALF, outputs, draft.fused)
    except ParityError as error:
        found = "; ".join(part for part in (error.found, _fault(card, draft, rows, outputs)) if part)
        if needed:
            raise ValuesError(error.what, expected=error.expected, found=found, fix=error.fix) from error
        draft.ladder.pass_over(parity.HALF, outputs, draft.fused)
        return [f"{error.what}: {found}"]
    return []


def _fault(card: Card, draft: Draft, rows: Rows, outputs: Outputs) -> str:
    """What is most at fault in the row that differs most."""
    differences = np.nan_to_num(np.abs(outputs - draft.fused), nan=np.inf).max(axis=1)
    sequences = np.unique(rows.take(np.array([int(differences.argmax())])).encoded.index)
    encoded = rows.take(np.array([int(differences.argmax())])).encoded
    batch = batching.pad(encoded, sequences, card.encoding)
    full = graph_files.load(draft.path(FP32))
    rounded = on_gpu.rounding(graph_files.load(draft.path(HALF)), draft.scratch)
    read = {value.name for value in full.graph.input}
    inputs = {name: value for name, value in batch.items() if name in read}
    fault = on_gpu.blame(full, rounded, inputs, draft.scratch)
    return f"most at {fault}" if fault else ""
