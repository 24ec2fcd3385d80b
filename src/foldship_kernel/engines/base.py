"""What an engine offers: graphs that many threads may run at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

CUDA, CPU, OPENVINO = "CUDAExecutionProvider", "CPUExecutionProvider", "OpenVINO"

Inputs = Mapping[str, NDArray[Any]]


class Graph(Protocol):
    """One .onnx file on one device.

    Attributes:
        provider: what really runs it: CUDA, CPU, or OPENVINO and the precision of its arithmetic.
    """

    provider: str

    def prepare(self, inputs: Inputs) -> Any:
        """Bring a batch to the device, for one `run`; inputs that the graph does not read are left out."""

    def run(self, prepared: Any) -> NDArray[np.float32]:
        """The graph's first output. Threads may call it at the same time."""


class Engine(Protocol):
    """A library that runs graphs; a module of `foldship_kernel.engines` is one."""

    def open(self, path: Path, device: int | None, threads: int) -> Graph:
        """Load a graph.

        Args:
            path: the .onnx file; its weights lie beside it.
            device: CUDA device number, or None for the CPU.
            threads: threads of one `run` on the CPU.
        """
