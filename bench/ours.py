"""The one door to our own engine: what is measured is what the kernel runs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench.models import Exported
from foldship.shipping import bundle
from foldship_kernel import engine
from foldship_kernel.encode import EncodedRows
from foldship_kernel.errors import FoldshipError

GPU_TOKENS = engine.GPU_TOKENS  # padded tokens of a batch on a GPU
# Arithmetic of our engines on a CPU, and the words for each.
CPU_ENGINES = {"fp32": "Foldship, ONNX Runtime"}


def predictor(
    exported: Exported, precision: str, *, gpus: int = 0
) -> Callable[[EncodedRows], NDArray[np.float32]]:
    """Open an exported model's first fold as the kernel does.

    Args:
        exported: the model.
        precision: of the arithmetic, a name among `CPU_ENGINES`, or "fp16" on a GPU.
        gpus: CUDA devices, 0 for the CPU.

    Returns:
        What turns rows into the head's outputs, (rows, outputs) float32.

    Raises:
        FoldshipError: a GPU is asked for that the engine did not get.
    """
    entry = exported.folds[0]
    encoder, encoder_cpu, head = (exported.folder / entry[kind] for kind in bundle.GRAPHS)
    fold = engine.Fold(encoder, encoder_cpu, head, gpus=gpus)
    if gpus and fold.provider != engine.CUDA:
        raise FoldshipError(
            "our engine runs on the CPU",
            expected=engine.CUDA,
            found=fold.provider,
            fix="install the onnxruntime-gpu of the machine's CUDA version",
        )
    encoding = exported.card.encoding

    def run(rows: EncodedRows) -> NDArray[np.float32]:
        return fold.predict(
            rows,
            np.zeros((len(rows.index), exported.card.features.width), dtype=np.float32),
            pad_id=encoding.pad_id,
            segment_ids=encoding.segment_ids,
            progress=lambda tokens: None,
        )

    return run


def cuda_devices() -> int:
    """CUDA devices that our engine can use."""
    return engine.prepare(gpu=True)
