from __future__ import annotations

import numpy as np
import tiny_bundle
from hypothesis import given
from hypothesis import strategies as st

from foldship_kernel import batching
from foldship_kernel.encode import EncodingSpec
from foldship_kernel.encoded import EncodedRows, ends

SPEC = EncodingSpec.from_dict(tiny_bundle.ENCODING)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=60), st.integers(1, 9)
)
def test_shards_hold_all_rows_once_and_keep_together_what_hangs_together(
    pairs: list[tuple[int, int]], rows: int
) -> None:
    index = np.array(pairs)
    shards = batching.shards(index, rows)
    assert sorted(np.concatenate(shards).tolist()) == list(range(len(index)))
    assert all(0 < len(shard) <= 2 * rows for shard in shards)
    owner = {row: number for number, shard in enumerate(shards) for row in shard.tolist()}
    for value in np.unique(index):
        together = np.flatnonzero((index == value).any(axis=1))
        if len(connected(index, together[0])) <= rows:
            assert len({owner[row] for row in together.tolist()}) == 1


def connected(index: np.ndarray, row: int) -> set[int]:
    """Rows that hang together with `row`, found the slow way."""
    found = {int(row)}
    while True:
        values = index[sorted(found)]
        more = set(np.flatnonzero(np.isin(index, values).any(axis=1)).tolist())
        if more == found:
            return found
        found = more


@given(st.lists(st.integers(1, 60), min_size=1, max_size=50), st.integers(1, 200))
def test_batches_cover_everything_longest_first_within_the_budget(lengths: list[int], budget: int) -> None:
    sizes = np.array(lengths)
    batches = list(batching.plan(sizes, budget))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(sizes)))
    longest = [int(sizes[batch].max()) for batch in batches]
    assert longest == sorted(longest, reverse=True)
    for batch, most in zip(batches, longest, strict=True):
        assert len(batch) == 1 or most * len(batch) <= budget


def test_padding_is_on_the_right_and_masked() -> None:
    encoded = EncodedRows(
        tokens=np.array([7, 8, 9, 5, 6], dtype=np.uint16),
        offsets=ends(np.array([3, 2])),
        boundaries=np.array([1, 2], dtype=np.int32),
        index=np.array([[0, 1]]),
    )
    inputs = batching.pad(encoded, np.array([1, 0]), SPEC)
    assert inputs["input_ids"].tolist() == [[5, 6, 0], [7, 8, 9]]
    assert inputs["attention_mask"].tolist() == [[1, 1, 0], [1, 1, 1]]
    assert inputs["token_type_ids"].tolist() == [[0, 0, 0], [0, 1, 1]]
    assert all(value.dtype == np.int64 for value in inputs.values())
