"""The one door to our own engine: what is measured is what the kernel runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.contest import UnavailableError
from bench.models import Exported
from foldship.shipping import models as bundled
from foldship_kernel.budget import TokenBudget
from foldship_kernel.encoded import EncodedRows
from foldship_kernel.engines import onnx_runtime
from foldship_kernel.engines.base import CPU, CUDA, OPENVINO
from foldship_kernel.errors import BundleError
from foldship_kernel.fold import Fold


@dataclass(frozen=True)
class Engine:
    """One of our engines.

    Attributes:
        name: in the names of ratios, and in the heads of columns.
        label: in tables.
        precision: of its arithmetic.
        bundled: its name in a bundle.
        provider: what it must say that it runs on.
        gpus: CUDA devices, 0 for the CPU.
    """

    name: str
    label: str
    precision: str
    bundled: str
    provider: str
    gpus: int = 0


ONNX_RUNTIME = Engine("onnxruntime", "Foldship, ONNX Runtime", "fp32", "onnxruntime", CPU)
FP32 = Engine("fp32", "Foldship, OpenVINO", "fp32", "openvino-fp32", f"{OPENVINO} f32")
BF16 = Engine("bf16", "Foldship, OpenVINO", "bf16", "openvino", f"{OPENVINO} bf16")
FP16_GPU = Engine("fp16", "Foldship, ONNX Runtime", "fp16", "onnxruntime", CUDA, gpus=1)
CPU_ENGINES = ONNX_RUNTIME, FP32, BF16


def predictor(exported: Exported, engine: Engine) -> Callable[[EncodedRows], NDArray[np.float32]]:
    """Open an exported model's first fold as the kernel does.

    Args:
        exported: the model.
        engine: what runs it.

    Returns:
        What turns rows into the head's outputs, (rows, outputs) float32.

    Raises:
        UnavailableError: the engine's library is missing, or it does not compute like that here.
    """
    entry, card = exported.folds[0], exported.card
    encoder, encoder_cpu, head = (exported.folder / entry[kind] for kind in bundled.GRAPHS)
    if engine.precision == "fp32":
        # Shipped weights are fp16, whatever they are computed in; compared are the full ones.
        encoder_cpu = exported.full_weights
    try:
        fold = Fold(encoder, encoder_cpu, head, gpus=engine.gpus, cpu_engine=engine.bundled)
    except BundleError as error:
        raise UnavailableError(error.found or error.what) from error
    if fold.provider != engine.provider:
        raise UnavailableError(f"{fold.provider} instead of {engine.provider}")
    budget = TokenBudget(fold.budgets)  # found in the first run and kept, as in the kernel from fold to fold

    def run(rows: EncodedRows) -> NDArray[np.float32]:
        features = np.zeros((len(rows.index), card.features.width), dtype=np.float32)
        return fold.predict(rows, features, card.encoding, budget=budget)

    return run


def cuda_devices() -> int:
    """CUDA devices that our engine can use."""
    return onnx_runtime.cuda_devices(wanted=True)
