"""The one door to our own engine: what is measured is what the kernel runs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench.contest import UnavailableError
from bench.models import Exported
from foldship.shipping import models as bundled
from foldship_kernel.budget import TokenBudget
from foldship_kernel.encode import EncodedRows
from foldship_kernel.engines import onnx_runtime
from foldship_kernel.engines.base import CPU, CUDA, OPENVINO
from foldship_kernel.errors import BundleError
from foldship_kernel.fold import Fold

# By the arithmetic of our engines: its name in a bundle, and what it must say that it runs on.
CPU_ENGINES = {"fp32": ("onnxruntime", CPU), "bf16": ("openvino", f"{OPENVINO} bf16")}
LABELS = {"onnxruntime": "Foldship, ONNX Runtime", "openvino": "Foldship, OpenVINO"}
# ONNX Runtime computes in fp32 with the fp16 weights that are shipped; compared are the full ones.
FULL_WEIGHTS = "fp32"


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
        UnavailableError: the engine's library is missing, or it does not compute like that here.
    """
    engine, wanted = ("onnxruntime", CUDA) if gpus else CPU_ENGINES[precision]
    entry, card = exported.folds[0], exported.card
    encoder, encoder_cpu, head = (exported.folder / entry[kind] for kind in bundled.GRAPHS)
    if precision == FULL_WEIGHTS:
        encoder_cpu = exported.full_weights
    try:
        fold = Fold(encoder, encoder_cpu, head, gpus=gpus, cpu_engine=engine)
    except BundleError as error:
        raise UnavailableError(error.found or error.what) from error
    if fold.provider != wanted:
        raise UnavailableError(f"{fold.provider} instead of {wanted}")
    budget = TokenBudget(fold.budgets)  # found in the first run and kept, as in the kernel from fold to fold

    def run(rows: EncodedRows) -> NDArray[np.float32]:
        features = np.zeros((len(rows.index), card.features.width), dtype=np.float32)
        return fold.predict(rows, features, card.encoding, budget=budget)

    return run


def cuda_devices() -> int:
    """CUDA devices that our engine can use."""
    return onnx_runtime.cuda_devices(wanted=True)
