"""Search by meaning: texts as unit vectors, made by one small encoder, the same ashore and aboard.

It runs on the CPU in fp32 wherever it is, for the same passages must be found at home and at Kaggle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from foldship_kernel import batching, devices, engines
from foldship_kernel.encode import EncodingSpec, join
from foldship_kernel.fold import ONNX_RUNTIME
from foldship_kernel.text import normalise_all
from foldship_kernel.tokens import TokenStore

TEXT = "text"  # the one segment that is read
_TOKENS = 2048  # padded tokens of a batch
_BLOCK = 1 << 13  # vectors compared at once: as float32 they stay in the cache

Progress = Callable[[int], None]


class Embedder:
    """Texts to vectors.

    Args:
        graph: the encoder, an .onnx file whose output is one vector a sequence.
        tokenizer: path of `tokenizer.json`.
        encoding: how a text becomes a sequence, of one tower with the segment `TEXT`.
    """

    def __init__(self, graph: Path, tokenizer: Path, encoding: EncodingSpec) -> None:
        self._graph = engines.get(ONNX_RUNTIME).open(graph, None, 1)
        self._tokenizer, self._encoding = Tokenizer.from_file(str(tokenizer)), encoding

    def __call__(
        self,
        texts: Sequence[str],
        progress: Progress = lambda texts: None,
        goes_on: Callable[[], bool] = lambda: True,
    ) -> NDArray[np.float32]:
        """Vectors of length 1: (texts, width) float32.

        Args:
            texts: some texts.
            progress: called after each batch with the number of its distinct texts.
            goes_on: asked before each batch; once it says no, what is left gets vectors of zeros.
        """
        store = TokenStore(self._tokenizer, self._encoding.reach)
        numbers = store.add(normalise_all(texts))
        encoded = join(store, {TEXT: numbers}, self._encoding)

        def run(batch: NDArray[np.int64]) -> NDArray[np.float32] | None:
            if not goes_on():
                return None
            found = self._graph.run(self._graph.prepare(batching.pad(encoded, batch, self._encoding)))
            progress(len(batch))
            unit = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
            return np.asarray(unit, dtype=np.float32)

        batches = list(batching.plan(encoded.lengths, _TOKENS))
        with ThreadPoolExecutor(devices.threads()) as pool:
            done = list(pool.map(run, batches))
        width = next((part.shape[1] for part in done if part is not None), 1)
        vectors = np.zeros((len(encoded.lengths), width), dtype=np.float32)
        for batch, part in zip(batches, done, strict=True):
            if part is not None:
                vectors[batch] = part
        return vectors[encoded.index[:, 0]]


def similarities(vectors: NDArray[np.float16], queries: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cosine of each query with each vector: (queries, vectors) float32; exact, block by block.

    Args:
        vectors: (vectors, width) float16, which may lie on disk.
        queries: (queries, width) float32, of length 1.
    """
    result = np.empty((len(queries), len(vectors)), dtype=np.float32)
    for start in range(0, len(vectors), _BLOCK):
        part = slice(start, start + _BLOCK)
        result[:, part] = queries @ vectors[part].astype(np.float32).T
    return result
