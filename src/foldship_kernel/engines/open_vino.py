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

MODULE = "openvino"
_core = openvino.Core()


class OpenVinoGraph:
    """See `base.Graph`; each thread has an inference request of its own."""

    def __init__(self, path: Path, threads: int) -> None:
        streams = max(1, devices.threads() // threads)
        capable = "BF16" in _core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        precision = "bf16" if capable else "f32"
        self._model = _core.compile_model(
            _core.read_model(str(path)),
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": precision,
                "INFERENCE_NUM_THREADS": threads * streams,
                "NUM_STREAMS": streams,
            },
        )
        self.provider = f"{OPENVINO} {precision}"
        self._inputs = [node.any_name for node in self._model.inputs]
        self._local = threading.local()

    def prepare(self, inputs: Inputs) -> Any:
        return {name: inputs[name] for name in self._inputs}

    def run(self, prepared: Any) -> NDArray[np.float32]:
        if not hasattr(self._local, "request"):
            self._local.request = self._model.create_infer_request()
        self._local.request.infer(prepared, share_inputs=True)
        return np.array(self._local.request.get_output_tensor(0).data, dtype=np.float32)


def open(path: Path, device: int | None, threads: int) -> OpenVinoGraph:
    """See `base.Engine`; there is no other device than the CPU."""
    return OpenVinoGraph(path, threads)
