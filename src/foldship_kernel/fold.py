"""Encoder and head of one trained fold: rows to logits, by all devices at hand from one queue."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foldship_kernel import batching, devices, engines
from foldship_kernel.budget import CPU_BUDGETS, GPU_BUDGETS, TokenBudget
from foldship_kernel.encode import EncodingSpec
from foldship_kernel.encoded import EncodedRows
from foldship_kernel.engines.base import CUDA, Graph
from foldship_kernel.errors import FoldshipError

HEAD_ROWS = 4096
ONNX_RUNTIME = "onnxruntime"
_OUT_OF_MEMORY = ("allocate memory", "out of memory", "bad_alloc", "ALLOC_FAILED", "not enough memory")

Progress = Callable[[NDArray[np.int64]], None]


class Fold:
    """One fold's graphs, opened.

    On a CPU one graph is run by as many threads as there are cores, each with a batch of its own: nobody
    waits for anybody, where threads inside of one run would meet after every operator.

    Args:
        encoder, encoder_cpu, head: the graphs; which encoder runs depends on the provider obtained.
        gpus: CUDA devices to share the work, or 0 for the CPU.
        cpu_engine: name of the engine for the CPU's encoder.
        workers: threads that run the CPU's encoder; all cores if not given.

    Attributes:
        provider: what really runs the encoder.
    """

    def __init__(
        self,
        encoder: Path,
        encoder_cpu: Path,
        head: Path,
        *,
        gpus: int,
        cpu_engine: str = ONNX_RUNTIME,
        workers: int | None = None,
    ) -> None:
        runtime = engines.get(ONNX_RUNTIME)
        on_gpus = [runtime.open(encoder, device, 1) for device in range(gpus)]
        # A device that could not be had fell back to the CPU, and would only slow the others down.
        self._encoders = [graph for graph in on_gpus if graph.provider == CUDA]
        if not self._encoders:
            graph = engines.get(cpu_engine).open(encoder_cpu, None, 1)
            self._encoders = [graph] * (workers or devices.threads())
        self._head = runtime.open(head, None, 1)  # a few small layers: not worth a transfer
        self.provider = self._encoders[0].provider

    @property
    def budgets(self) -> tuple[int, ...]:
        """Token budgets to choose from on this provider."""
        return GPU_BUDGETS if self.provider == CUDA else CPU_BUDGETS

    def predict(
        self,
        encoded: EncodedRows,
        features: NDArray[np.float32],
        spec: EncodingSpec,
        *,
        budget: TokenBudget | None = None,
        progress: Progress = lambda lengths: None,
    ) -> NDArray[np.float32]:
        """Logits of all rows, those of a row's readings averaged: (rows, targets) float32.

        Args:
            encoded: token sequences; each distinct one is encoded once.
            features: (rows, features) float32.
            spec: padding and segment ids.
            budget: how many tokens a batch holds; learns from this run.
            progress: called after each batch with its sequences' lengths; what it raises ends the work.

        Raises:
            FoldshipError: memory does not suffice for a single sequence.
        """
        pooled = self.pool(encoded, spec, budget or TokenBudget(self.budgets), progress)
        readings, towers = encoded.index.shape
        features = encoded.spread(features)
        logits = []
        for start in range(0, readings, HEAD_ROWS):
            part = slice(start, start + HEAD_ROWS)
            vectors = pooled[encoded.index[part]].reshape(-1, towers * pooled.shape[1])
            inputs = self._head.prepare({"pooled": vectors, "features": features[part]})
            logits.append(self._head.run(inputs))
        return encoded.mean(np.concatenate(logits))

    def pool(
        self,
        encoded: EncodedRows,
        spec: EncodingSpec,
        budget: TokenBudget,
        progress: Progress = lambda lengths: None,
    ) -> NDArray[np.float32]:
        """Pooled vectors of all distinct sequences: (sequences, width) float32; arguments as `predict`."""
        queue = _Queue(encoded.lengths, budget)
        result: list[NDArray[np.float32]] = []
        lock = threading.Lock()

        def store(batch: NDArray[np.int64], pooled: NDArray[np.float32]) -> None:
            with lock:
                if not result:
                    result.append(np.empty((len(encoded.boundaries), pooled.shape[1]), dtype=np.float32))
                result[0][batch] = pooled
                progress(encoded.lengths[batch])

        def work(graph: Graph) -> None:
            try:
                for batch, size in queue:
                    began = time.perf_counter()
                    try:
                        pooled = graph.run(graph.prepare(batching.pad(encoded, batch, spec)))
                    except Exception as error:  # engines' errors share no narrower base class
                        if not _is_out_of_memory(error):
                            raise
                        queue.retry(batch, error)
                        continue
                    tokens = int(encoded.lengths[batch].sum())
                    budget.record(size, tokens, time.perf_counter() - began)
                    store(batch, pooled)
            except BaseException:
                queue.stop()
                raise

        # Two for each GPU: while one waits for it, the other fills the next batch and copies it there.
        on_gpu = self.provider == CUDA
        workers = [graph for graph in self._encoders for _ in range(2 if on_gpu else 1)]
        with ThreadPoolExecutor(len(workers)) as pool:
            for done in [pool.submit(work, graph) for graph in workers]:
                done.result()
        return result[0]


class _Queue:
    """Batches for several workers, the longest sequences first, cut when they are asked for.

    Iterating, each worker gets batches and the budget that they were cut by.
    """

    def __init__(self, lengths: NDArray[np.int64], budget: TokenBudget) -> None:
        self._lengths, self._budget = lengths, budget
        self._lock = threading.Lock()
        self._left = np.argsort(-lengths, kind="stable")

    def __iter__(self) -> _Queue:
        return self

    def __next__(self) -> tuple[NDArray[np.int64], int]:
        size = self._budget.next()
        with self._lock:
            if not len(self._left):
                raise StopIteration
            count = batching.batch_size(int(self._lengths[self._left[0]]), size)
            batch, self._left = self._left[:count], self._left[count:]
            return batch, size

    def stop(self) -> None:
        with self._lock:
            self._left = self._left[:0]

    def retry(self, batch: NDArray[np.int64], error: Exception) -> None:
        """Put a batch back that did not fit in memory; it and all others are cut smaller from now on."""
        longest = int(self._lengths[batch].max())
        if len(batch) == 1:
            raise FoldshipError(
                f"memory does not suffice for one sequence of {longest} tokens",
                found=str(error),
                fix="lower max_tokens, or take a smaller backbone",
            ) from error
        self._budget.shrink(longest * len(batch))
        with self._lock:
            self._left = np.concatenate([batch, self._left])


def _is_out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or any(sign in str(error) for sign in _OUT_OF_MEMORY)
