"""The graphs of one fold on ONNX Runtime: token sequences to pooled vectors, vectors to logits."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from foldship_kernel import batching, devices
from foldship_kernel.encode import EncodedRows
from foldship_kernel.errors import FoldshipError

# Padded tokens per batch. On CPU small batches stay in the caches; on GPU they must fill the device.
CPU_TOKENS, GPU_TOKENS = 4096, 32768
HEAD_ROWS = 4096
CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
_OUT_OF_MEMORY = ("allocate memory", "out of memory", "bad_alloc", "ALLOC_FAILED")

Inputs = Mapping[str, NDArray[Any]]
Progress = Callable[[int], None]


class Graph:
    """One .onnx file on one device.

    Args:
        path: the file; its weights lie beside it.
        device: CUDA device number, or None for the CPU.

    Attributes:
        provider: the execution provider that was really obtained.
    """

    def __init__(self, path: Path, device: int | None) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = devices.threads()
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
        self._inputs = [node.name for node in self._session.get_inputs()]

    def run(self, inputs: Inputs) -> NDArray[np.float32]:
        """The graph's first output; inputs that it does not read are left out."""
        wanted = {name: inputs[name] for name in self._inputs}
        return np.asarray(self._session.run(None, wanted)[0], dtype=np.float32)


class Fold:
    """Encoder and head of one trained fold, on every device at hand.

    Args:
        encoder, encoder_cpu, head: the graphs; which encoder runs depends on the provider obtained.
        gpus: CUDA devices to share the work, or 0 for the CPU.
    """

    def __init__(self, encoder: Path, encoder_cpu: Path, head: Path, gpus: int) -> None:
        on_gpus = [Graph(encoder, device) for device in range(gpus)]
        # A device that could not be had fell back to the CPU, and would only slow the others down.
        self._encoders = [graph for graph in on_gpus if graph.provider == CUDA] or [Graph(encoder_cpu, None)]
        self._head = Graph(head, None)  # a few small layers: not worth a transfer
        self.provider = self._encoders[0].provider
        self.token_budget = GPU_TOKENS if self.provider == CUDA else CPU_TOKENS

    def predict(
        self,
        encoded: EncodedRows,
        features: NDArray[np.float32],
        *,
        pad_id: int,
        segment_ids: bool,
        progress: Progress,
    ) -> NDArray[np.float32]:
        """Logits of all rows: (rows, targets) float32.

        Args:
            encoded: token sequences; each distinct one is encoded once.
            features: (rows, features) float32.
            pad_id, segment_ids: as in the encoding.
            progress: called after each batch with its tokens; what it raises ends the work.
        """
        pooled = self._pool(encoded, pad_id, segment_ids, progress)
        rows, towers = encoded.index.shape
        logits = []
        for start in range(0, rows, HEAD_ROWS):
            part = slice(start, start + HEAD_ROWS)
            vectors = pooled[encoded.index[part]].reshape(-1, towers * pooled.shape[1])
            logits.append(self._head.run({"pooled": vectors, "features": features[part]}))
        return np.concatenate(logits)

    def _pool(
        self, encoded: EncodedRows, pad_id: int, segment_ids: bool, progress: Progress
    ) -> NDArray[np.float32]:
        lengths = encoded.lengths
        queue = _Queue(lengths, self.token_budget)
        results: dict[int, NDArray[np.float32]] = {}
        lock = threading.Lock()

        def work(encoder: Graph) -> None:
            while (batch := queue.take()) is not None:
                inputs = batching.pad(
                    [encoded.sequences[i] for i in batch], encoded.boundaries[batch], pad_id, segment_ids
                )
                try:
                    pooled = encoder.run(inputs)
                except Exception as error:  # ONNX Runtime's errors share no narrower base class
                    if not _is_out_of_memory(error):
                        queue.stop()
                        raise
                    queue.retry(batch, error)
                    continue
                with lock:
                    results.update(zip(batch.tolist(), pooled, strict=True))
                    try:
                        progress(int(lengths[batch].sum()))
                    except BaseException:
                        queue.stop()
                        raise

        with ThreadPoolExecutor(len(self._encoders)) as pool:
            for done in [pool.submit(work, encoder) for encoder in self._encoders]:
                done.result()
        self.token_budget = queue.budget
        return np.stack([results[place] for place in range(len(lengths))])


class _Queue:
    """Batches for several workers; after an allocation failure what is left is cut half as large."""

    def __init__(self, lengths: NDArray[np.int64], budget: int) -> None:
        self._lengths = lengths
        self._lock = threading.Lock()
        self._batches = deque(batching.plan(lengths, budget))
        self.budget = budget

    def take(self) -> NDArray[np.int64] | None:
        with self._lock:
            return self._batches.popleft() if self._batches else None

    def stop(self) -> None:
        with self._lock:
            self._batches.clear()

    def retry(self, batch: NDArray[np.int64], error: Exception) -> None:
        with self._lock:
            if len(batch) == 1:
                self._batches.clear()
                raise FoldshipError(
                    f"memory does not suffice for one sequence of {self._lengths[batch[0]]} tokens",
                    found=str(error),
                    fix="lower max_tokens, or take a smaller backbone",
                ) from error
            # Batches of other workers may have failed at the same budget: halve what this one had.
            self.budget = int(self._lengths[batch].max()) * len(batch) // 2
            left = np.concatenate([batch, *self._batches])
            self._batches = deque(left[part] for part in batching.plan(self._lengths[left], self.budget))


def prepare(*, gpu: bool) -> int:
    """Load the CUDA libraries where they are wanted, and return the number of CUDA devices to use.

    ONNX Runtime falls back to the CPU without a word, so the caller compares this with `Fold.provider`.
    """
    if not gpu or CUDA not in onnxruntime.get_available_providers():
        return 0
    onnxruntime.preload_dlls()
    return devices.gpus()


def _is_out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or any(sign in str(error) for sign in _OUT_OF_MEMORY)
