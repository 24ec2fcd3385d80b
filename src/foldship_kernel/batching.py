"""Token sequences to padded batches: sorted by length, cut by a token budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray


def plan(lengths: NDArray[np.int64], token_budget: int) -> Iterator[NDArray[np.int64]]:
    """Yield index arrays that cover all sequences, longest first.

    Each batch holds at least one sequence and at most `token_budget` padded tokens. Longest first, so that a
    budget that does not fit in memory shows at once.
    """
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        size = max(1, token_budget // max(1, int(lengths[order[start]])))
        yield order[start : start + size]
        start += size


def pad(
    sequences: Sequence[NDArray[np.int32]],
    boundaries: NDArray[np.int32],
    pad_id: int,
    segment_ids: bool,
) -> dict[str, NDArray[np.int64]]:
    """Pad sequences on the right into the encoder's inputs.

    Returns:
        `input_ids` and `attention_mask`, and with `segment_ids` also `token_type_ids`; each
        (sequences, longest) int64.
    """
    width = max(len(sequence) for sequence in sequences)
    shape = (len(sequences), width)
    input_ids = np.full(shape, pad_id, dtype=np.int64)
    attention_mask = np.zeros(shape, dtype=np.int64)
    token_type_ids = np.zeros(shape, dtype=np.int64)
    for row, (sequence, boundary) in enumerate(zip(sequences, boundaries, strict=True)):
        input_ids[row, : len(sequence)] = sequence
        attention_mask[row, : len(sequence)] = 1
        token_type_ids[row, boundary : len(sequence)] = 1
    inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
    if segment_ids:
        inputs["token_type_ids"] = token_type_ids
    return inputs
