from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from foldship.training.data import Collator, GroupedLengthSampler, RowData
from foldship_kernel.encode import EncodingSpec, TowerSpec
from foldship_kernel.encoded import EncodedRows, ends

SPEC = EncodingSpec(
    towers=(TowerSpec(("question",), 16, (None,)), TowerSpec(("answer",), 16, (None,))),
    head_fraction=0.5,
    prefix_ids=(1,),
    between_ids=(2,),
    suffix_ids=(2,),
    pad_id=7,
    segment_ids=False,
)


def row_data(groups: list[int]) -> RowData:
    """A question per group, an answer per row, lengths all different."""
    random = np.random.default_rng(0)
    questions, answers = max(groups) + 1, len(groups)
    lengths = random.permutation(questions + answers) + 3
    return RowData(
        encoded=EncodedRows(
            tokens=np.repeat(np.arange(len(lengths), dtype=np.int32) + 10, lengths),
            offsets=ends(lengths),
            boundaries=np.array(lengths, dtype=np.int32),
            index=np.array([[group, questions + row] for row, group in enumerate(groups)]),
        ),
        features=random.normal(size=(answers, 3)).astype(np.float32),
        targets=random.random((answers, 2)).astype(np.float32),
        groups=np.array(groups),
    )


def test_a_sequence_shared_in_a_batch_stands_once() -> None:
    data = row_data([0, 0, 0, 1])
    batch = Collator(data, SPEC)([0, 1, 3])
    assert next(iter(batch)) == "labels"
    (read,) = batch["parts"]
    assert read["input_ids"].shape[0] == 5  # two questions, three answers
    for place, row in enumerate([0, 1, 3]):
        for tower in range(2):
            expected = data.encoded.sequence(data.encoded.index[row, tower])
            got = read["input_ids"][batch["index"][place, tower]]
            mask = read["attention_mask"][batch["index"][place, tower]]
            np.testing.assert_array_equal(got[mask.bool()], expected)
            assert (got[~mask.bool()] == SPEC.pad_id).all()


def test_cached_vectors_take_the_tokens_place() -> None:
    data = row_data([0, 0, 1])
    vectors = np.arange(len(data.encoded.boundaries) * 4, dtype=np.float32).reshape(-1, 4)
    batch = Collator(data, SPEC, vectors)([2, 0])
    assert "parts" not in batch
    np.testing.assert_array_equal(
        batch["pooled"][batch["index"]], torch.from_numpy(vectors[data.encoded.index[[2, 0]]])
    )


def chunked(counts: list[int]) -> RowData:
    """A row for each count, with so many readings; every reading has two sequences of its own."""
    total = sum(counts)
    data = row_data(list(range(total)))
    owner = np.repeat(np.arange(len(counts)), counts)
    rows = len(counts)
    return RowData(
        replace(data.encoded, owner=owner), data.features[:rows], data.targets[:rows], data.groups[:rows]
    )


def test_a_batch_tells_how_many_readings_its_rows_have() -> None:
    data = chunked([2, 1, 3])
    batch = Collator(data, SPEC)([2, 0])
    assert batch["readings"].tolist() == [3, 2]
    assert batch["labels"].shape[0] == batch["features"].shape[0] == 2
    (read,) = batch["parts"]
    for place, reading in enumerate([3, 4, 5, 0, 1]):
        for tower in range(2):
            expected = data.encoded.sequence(data.encoded.index[reading, tower])
            got = read["input_ids"][batch["index"][place, tower]]
            np.testing.assert_array_equal(
                got[read["attention_mask"][batch["index"][place, tower]].bool()], expected
            )


def test_rows_of_many_readings_are_long_rows() -> None:
    data = chunked([1, 1, 8, 1, 8, 1])
    assert set(list(GroupedLengthSampler(data, 2, seed=1))[:2]) == {2, 4}


def test_noise_changes_what_the_encoder_reads_and_nothing_else() -> None:
    data = chunked([2, 1, 3])

    def shifted(encoded: EncodedRows, rows: Sequence[int]) -> EncodedRows:
        assert list(rows) == [2, 0]
        return replace(encoded, tokens=encoded.tokens + 1000)

    plain, noisy = Collator(data, SPEC)([2, 0]), Collator(data, SPEC, None, shifted)([2, 0])
    (read,), (changed,) = plain.pop("parts"), noisy.pop("parts")
    real = read["attention_mask"].bool()
    assert torch.equal(changed["attention_mask"], read["attention_mask"])
    assert (changed["input_ids"][real] == read["input_ids"][real] + 1000).all()
    for name in plain:
        assert torch.equal(plain[name], noisy[name])


def test_a_batch_in_parts_holds_what_it_holds_as_a_whole() -> None:
    data = chunked([2, 1, 3, 2])
    whole, parted = Collator(data, SPEC)([3, 0, 2]), Collator(data, SPEC, part=40)([3, 0, 2])
    assert len(whole["parts"]) == 1 < len(parted["parts"])
    assert all(part["input_ids"].numel() <= 40 or len(part["input_ids"]) == 1 for part in parted["parts"])

    def sequences(batch: dict[str, Any]) -> list[list[int]]:
        found = [
            tokens[mask.bool()].tolist()
            for part in batch["parts"]
            for tokens, mask in zip(part["input_ids"], part["attention_mask"], strict=True)
        ]
        return [found[place] for place in batch["index"].flatten()]

    assert sequences(parted) == sequences(whole)
    assert sum(len(part["input_ids"]) for part in parted["parts"]) == len(whole["parts"][0]["input_ids"])


def test_rows_are_put_together() -> None:
    first, second = row_data([0, 0, 1]), chunked([2, 1])
    joined = first.plus(second)
    assert joined.encoded.readings.tolist() == [1, 1, 1, 2, 1]
    assert joined.groups.tolist() == [0, 0, 1, 0, 1]
    np.testing.assert_array_equal(joined.targets[3:], second.targets)
    np.testing.assert_array_equal(joined.features[:3], first.features)


@given(
    groups=st.lists(st.integers(0, 12), min_size=1, max_size=80),
    batch_size=st.integers(1, 9),
    epoch=st.integers(0, 3),
)
def test_an_epoch_holds_every_row_once(groups: list[int], batch_size: int, epoch: int) -> None:
    groups = np.unique(groups, return_inverse=True)[1].tolist()
    sampler = GroupedLengthSampler(row_data(groups), batch_size, seed=1)
    sampler.set_epoch(epoch)
    order = list(sampler)
    assert sorted(order) == list(range(len(groups)))
    assert order == list(sampler)


def test_epochs_differ_and_rows_of_a_group_stay_together() -> None:
    groups = np.repeat(np.arange(100), 3).tolist()
    sampler = GroupedLengthSampler(row_data(groups), 12, seed=1)
    first = list(sampler)
    sampler.set_epoch(1)
    assert first != list(sampler)
    batches = [first[at : at + 12] for at in range(0, len(first), 12)]
    assert all(len({groups[row] for row in batch}) == 4 for batch in batches)


def test_batches_hold_rows_of_like_length() -> None:
    data = row_data(list(range(400)))
    sampler = GroupedLengthSampler(data, 8, seed=1)
    longest = data.encoded.lengths[data.encoded.index].max(axis=1)
    order = list(sampler)
    spread = np.mean([np.ptp(longest[order[at : at + 8]]) for at in range(0, 400, 8)])
    assert spread < 0.1 * np.ptp(longest)


@pytest.mark.parametrize("rows", [[2], [0, 2]])
def test_taking_rows_keeps_what_they_read(rows: list[int]) -> None:
    data = row_data([0, 0, 1])
    part = data.take(np.array(rows))
    for place, row in enumerate(rows):
        for tower in range(2):
            np.testing.assert_array_equal(
                part.encoded.sequence(part.encoded.index[place, tower]),
                data.encoded.sequence(data.encoded.index[row, tower]),
            )
    assert len(part.encoded.boundaries) == len({s for row in rows for s in data.encoded.index[row]})


def test_rows_bring_their_weights_if_they_have_any() -> None:
    plain = row_data([0, 0, 1])
    assert "weights" not in Collator(plain, SPEC)([0])
    weighted = replace(plain, weights=np.array([0.5, 1.0, 2.0], dtype=np.float32)).take(np.array([1, 2]))
    assert Collator(weighted, SPEC)([1, 0])["weights"].tolist() == [2.0, 1.0]
