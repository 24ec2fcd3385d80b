"""Batches as careful users make them: sorted by length, so many sequences each, padded to the longest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldship_kernel import batching
from foldship_kernel.encode import EncodingSpec
from foldship_kernel.encoded import EncodedRows

SIZE = 16
SPEC = EncodingSpec((), 0.5, (), (), (), pad_id=0, segment_ids=True)
Inputs = Mapping[str, NDArray[np.int64]]


def in_sorted_batches(
    rows: EncodedRows, encode: Callable[[Inputs], NDArray[Any]], size: int = SIZE
) -> NDArray[np.float32]:
    """Run `encode` (inputs to pooled vectors) over sorted batches; vectors come in the order of `rows`."""
    order = np.argsort(-rows.lengths, kind="stable")
    parts = [order[start : start + size] for start in range(0, len(order), size)]
    found = np.concatenate([encode(padded(rows, part)) for part in parts]).astype(np.float32)
    vectors = np.empty(found.shape, dtype=np.float32)
    vectors[order] = found
    return vectors[rows.index[:, 0]]


def padded(rows: EncodedRows, part: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """The three inputs of a BERT, each (sequences, longest) int64."""
    return batching.pad(rows, part, SPEC)


def mean_pool(hidden: NDArray[np.float32], mask: NDArray[np.int64]) -> NDArray[np.float32]:
    """(B, L, H) and (B, L) to (B, H): means over real tokens."""
    weights = mask.astype(np.float32)
    totals = (weights[:, None, :] @ hidden)[:, 0]
    return np.asarray(totals / weights.sum(axis=1, keepdims=True), dtype=np.float32)
