"""ONNX Runtime: on CUDA devices, and on the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from foldship_kernel import devices
from foldship_kernel.engines.base import CPU, CUDA, Inputs


@dataclass(frozen=True)
class _Bound:
    """A batch on its device. The binding does not keep the values' memory alive, this does."""

    binding: Any
    values: Mapping[str, Any]


class OnnxRuntimeGraph:
    """See `base.Graph`."""

    def __init__(self, path: Path, device: int | None, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.enable_mem_pattern = False  # it pays for inputs of one shape only
        options.log_severity_level = 3
        providers: list[Any] = [CPU]
        if device is not None:
            # Without strict mode, half-precision layer norms can silently give zeros (onnxruntime#29034).
            settings = {"device_id": str(device), "enable_skip_layer_norm_strict_mode": "1"}
            providers.insert(0, (CUDA, settings))
        self._session = onnxruntime.InferenceSession(str(path), options, providers=providers)
        # After an error on the GPU the session would go on with this graph on the CPU, without a word.
        self._session.disable_fallback()
        self.provider: str = self._session.get_providers()[0]
        self._place = ("cuda", device) if self.provider == CUDA else ("cpu", 0)
        self._inputs = [node.name for node in self._session.get_inputs()]
        self._output = self._session.get_outputs()[0].name

    def prepare(self, inputs: Inputs) -> _Bound:
        """Bind a batch: on a GPU, its copy to the device is made here, and not while the device waits."""
        values = {
            name: onnxruntime.OrtValue.ortvalue_from_numpy(inputs[name], *self._place)
            for name in self._inputs
        }
        binding = self._session.io_binding()
        for name, value in values.items():
            binding.bind_ortvalue_input(name, value)
        binding.bind_output(self._output, "cpu")
        return _Bound(binding, values)

    def run(self, prepared: _Bound) -> NDArray[np.float32]:
        self._session.run_with_iobinding(prepared.binding)
        # A copy: the memory is gone with the binding.
        return np.array(prepared.binding.get_outputs()[0].numpy(), dtype=np.float32)


def open(path: Path, device: int | None, threads: int) -> OnnxRuntimeGraph:
    """See `base.Engine`."""
    return OnnxRuntimeGraph(path, device, threads)


def cuda_devices(*, wanted: bool) -> int:
    """Load the CUDA libraries where they are wanted; returns the number of CUDA devices to use.

    ONNX Runtime falls back to the CPU without a word, so the caller compares this with `provider`.
    """
    if not wanted or CUDA not in onnxruntime.get_available_providers():
        return 0
    onnxruntime.preload_dlls()
    return devices.gpus()
