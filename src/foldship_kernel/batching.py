"""Rows to shards that share no sequence, sequences to padded batches."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from foldship_kernel.encode import EncodingSpec
from foldship_kernel.encoded import EncodedRows, ranges


def shards(index: NDArray[np.int64], rows: int) -> list[NDArray[np.int64]]:
    """Cut rows into shards, those that read a common sequence into the same one.

    Args:
        index: (rows, towers) int64, numbers from 0 of what each row reads.
        rows: rows per shard; more where so many hang together, but never more than twice as many.

    Returns:
        Row numbers of each shard; together all rows, once.
    """
    count, group = len(index), together(index)
    order = np.argsort(group, kind="stable")
    borders = np.flatnonzero(np.diff(group[order], prepend=-1, append=-1))
    cuts = [0]
    while cuts[-1] < count:
        least = min(cuts[-1] + rows, count)
        border = int(borders[np.searchsorted(borders, least)])
        cuts.append(border if border <= cuts[-1] + 2 * rows else least)
    return [order[start:stop] for start, stop in itertools.pairwise(cuts)]


def together(index: NDArray[np.int64]) -> NDArray[np.int64]:
    """A number for each row, (rows,), equal for rows that read anything in common or are linked by others.

    Args:
        index: (rows, towers) int64, numbers from 0 of what each row reads.
    """
    count, towers = index.shape
    edges = (np.repeat(np.arange(count), towers), count + index.reshape(-1))
    size = count + int(index.max(initial=-1)) + 1
    graph = coo_matrix((np.ones(index.size, dtype=np.int8), edges), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1][:count], dtype=np.int64)


def plan(lengths: NDArray[np.int64], token_budget: int) -> Iterator[NDArray[np.int64]]:
    """Yield index arrays that cover all sequences, longest first.

    Each batch holds at least one sequence and at most `token_budget` padded tokens. Longest first, so that a
    budget that does not fit in memory shows at once.
    """
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        size = batch_size(int(lengths[order[start]]), token_budget)
        yield order[start : start + size]
        start += size


def batch_size(longest: int, token_budget: int) -> int:
    """Sequences in a batch whose longest has `longest` tokens."""
    return max(1, token_budget // max(1, longest))


def pad(encoded: EncodedRows, batch: NDArray[np.int64], spec: EncodingSpec) -> dict[str, NDArray[np.int64]]:
    """Pad some sequences on the right into the encoder's inputs.

    Returns:
        `input_ids` and `attention_mask`, and where `spec` wants them also `token_type_ids` and `spans`; each
        (sequences, longest) int64.
    """
    lengths = encoded.lengths[batch]
    column = np.arange(int(lengths.max(initial=0)))
    real = column < lengths[:, None]
    input_ids = np.full(real.shape, spec.pad_id, dtype=np.int64)
    input_ids[real] = encoded.tokens[ranges(encoded.offsets[batch], lengths)]
    inputs = {"input_ids": input_ids, "attention_mask": real.astype(np.int64)}
    if spec.segment_ids:
        second = column >= encoded.boundaries[batch][:, None]
        inputs["token_type_ids"] = (real & second).astype(np.int64)
    if spec.spans:
        inputs["spans"] = pad_spans(encoded, batch)
    return inputs


def pad_spans(encoded: EncodedRows, batch: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which spans the tokens of some sequences belong to: (sequences, longest) int64, 0 for padding."""
    lengths = encoded.lengths[batch]
    result = np.zeros((len(batch), int(lengths.max(initial=0))), dtype=np.int64)
    if encoded.marks is not None:
        real = np.arange(result.shape[1]) < lengths[:, None]
        result[real] = encoded.marks[ranges(encoded.offsets[batch], lengths)]
    return result
