from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foldship.config.inputs import Augmentation
from foldship.training.token_noise import TokenNoise, token_noise
from foldship_kernel.encode import EncodingSpec
from foldship_kernel.encoded import EncodedRows, ends

CLS, SEP, MASK = 1, 2, 3
LENGTHS = np.array([40, 400, 2, 100])


def noise(**settings: Any) -> TokenNoise:
    return TokenNoise(
        **{"mask": 0.0, "drop": 0.0, "mask_id": MASK, "special": (CLS, SEP), "seed": 5} | settings
    )


@pytest.fixture
def encoded() -> EncodedRows:
    """Sequences that begin and end with special tokens, a second segment in each after its first half."""
    bodies = [np.arange(10, 10 + length - 2) for length in LENGTHS]
    return EncodedRows(
        tokens=np.concatenate([[CLS, *body, SEP] for body in bodies]).astype(np.uint16),
        offsets=ends(LENGTHS),
        boundaries=(LENGTHS // 2).astype(np.int32),
        index=np.arange(4)[:, None],
    )


def test_masked_tokens_keep_their_places(encoded: EncodedRows) -> None:
    changed = noise(mask=0.2, epoch=lambda: 0)(encoded, [0, 1])
    assert changed.lengths.tolist() == encoded.lengths.tolist()
    assert changed.tokens.dtype == encoded.tokens.dtype
    masked = changed.tokens == MASK
    assert 0.15 < masked.sum() / len(masked) < 0.25
    np.testing.assert_array_equal(changed.tokens[~masked], encoded.tokens[~masked])
    assert not np.isin(encoded.tokens[masked], [CLS, SEP]).any()


def test_dropped_tokens_leave_the_rest_in_order(encoded: EncodedRows) -> None:
    changed = noise(drop=0.3, epoch=lambda: 0)(encoded, [0, 1])
    assert 0.65 < len(changed.tokens) / len(encoded.tokens) < 0.75
    for place in range(4):
        before, after = encoded.sequence(place).tolist(), changed.sequence(place).tolist()
        assert (after[0], after[-1]) == (CLS, SEP)
        body = after[1:-1]
        assert body == sorted(body) and set(body) <= set(before)
        first_half = before[: encoded.boundaries[place]]
        assert changed.boundaries[place] == sum(token in first_half for token in after)


def test_whatever_is_dropped_special_tokens_stay(encoded: EncodedRows) -> None:
    changed = noise(drop=1.0, mask=1.0, epoch=lambda: 0)(encoded, [0])
    assert [changed.sequence(place).tolist() for place in range(4)] == [[CLS, SEP]] * 4


def test_a_batch_is_changed_the_same_way_again_and_otherwise_in_another_epoch(encoded: EncodedRows) -> None:
    def tokens(seed: int, epoch: int, rows: list[int]) -> list[int]:
        return noise(mask=0.3, drop=0.3, seed=seed, epoch=lambda: epoch)(encoded, rows).tokens.tolist()

    once = tokens(5, 0, [0, 1])
    assert once == tokens(5, 0, [0, 1])
    assert once not in (tokens(6, 0, [0, 1]), tokens(5, 1, [0, 1]), tokens(5, 0, [1, 0]))


def test_nothing_asked_for_is_nothing_done() -> None:
    spec = EncodingSpec((), 0.5, (CLS,), (SEP,), (SEP,), 0, False)
    assert token_noise(Augmentation(), "nowhere", spec, 0, lambda: 0) is None


def test_the_mask_is_the_tokenizers(tiny_backbone: Path) -> None:
    spec = EncodingSpec((), 0.5, (101,), (102,), (102,), 0, False)
    made = token_noise(Augmentation(mask_tokens=0.1), str(tiny_backbone), spec, 7, lambda: 0)
    assert made is not None
    assert (made.mask_id, made.special, made.seed) == (103, (101, 102, 102), 7)
