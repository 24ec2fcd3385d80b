"""OpenVINO on the CPU: bfloat16 arithmetic where the processor has it.

Reads the same fused graphs as ONNX Runtime. Source:
https://docs.openvino.ai/2026/openvino-workflow/running-inference/inference-devices-and-modes/cpu-device.html
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray

from foldship_kernel import devices
from foldship_kernel.engines.base import OPENVINO, Inputs

BF16, F32 = "bf16", "f32"
_OUT_OF_MEMORY = ("Failed to allocate", "can't alloc", "bad_alloc")
_set_up, _first_run = threading.Event(), threading.Lock()
_core = openvino.Core()


class OpenVinoGraph:
    """See `base.Graph`.

    A run is carried out by one of the graph's streams, while the thread that asked for it waits; each thread
    has an inference request of its own, since a request takes one run at a time.

    Args:
        path, threads: as of `base.Engine.open`.
        precision: of the arithmetic, BF16 or F32.
    """

    def __init__(self, path: Path, threads: int, precision: str) -> None:
        streams = max(1, devices.threads() // threads)
        self._model = _core.compile_model(
            _core.read_model(str(path)),
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": precision,
                "INFERENCE_NUM_THREADS": threads * streams,
                "NUM_STREAMS": streams,
                # Pinned threads of several processes meet on the first cores of the machine.
                "ENABLE_CPU_PINNING": False,
            },
        )
        self.provider = f"{OPENVINO} {precision}"
        # What an operator without effect makes of an input counts as the same, and lends it its name.
        self._inputs = [(node.any_name, node.names) for node in self._model.inputs]
        self._local = threading.local()

    def prepare(self, inputs: Inputs) -> Any:
        return {
            known_as: next(inputs[name] for name in sorted(names) if name in inputs)
            for known_as, names in self._inputs
        }

    def run(self, prepared: Any) -> NDArray[np.float32]:
        # What the library sets up in its very first run deadlocks where two threads are at it: one waits for
        # the interpreter, the other, which has it, for the first.
        if not _set_up.is_set():
            with _first_run:
                result = self._infer(prepared)
                _set_up.set()
                return result
        return self._infer(prepared)

    def _infer(self, prepared: Any) -> NDArray[np.float32]:
        if not hasattr(self._local, "request"):
            self._local.request = self._model.create_infer_request()
        try:
            # The request keeps its batch alive until the next one; the output is its memory, and so copied.
            result = self._local.request.infer(prepared, share_inputs=True, share_outputs=True)
        except RuntimeError as error:
            if any(sign in str(error) for sign in _OUT_OF_MEMORY):
                raise MemoryError(str(error)) from error
            raise
        return np.array(result[0], dtype=np.float32)


def precision() -> str:
    """The fastest precision that this processor computes in."""
    return BF16 if BF16.upper() in _core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else F32


def open(path: Path, device: int | None, threads: int) -> OpenVinoGraph:
    """See `base.Engine`; there is no other device than the CPU."""
    return OpenVinoGraph(path, threads, precision())
