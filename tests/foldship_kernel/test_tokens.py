from __future__ import annotations

import numpy as np
import pytest
import tiny_bundle
from tokenizers import Tokenizer

from foldship_kernel.tokens import TokenStore


class Counting:
    """A tokenizer that remembers what it was asked to tokenise."""

    def __init__(self) -> None:
        self._tokenizer = Tokenizer.from_file(str(tiny_bundle.TOKENIZER))
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._tokenizer, name)

    def encode_batch_fast(self, texts: list[str], **options: bool) -> object:
        self.asked += texts
        return self._tokenizer.encode_batch_fast(texts, **options)


@pytest.fixture
def tokenizer() -> Counting:
    return Counting()


def text_of(store: TokenStore, number: int) -> list[int]:
    return store.tokens[store.starts[number] : store.stops[number]].tolist()


def test_a_text_is_tokenised_once_however_often_it_comes(tokenizer: Counting) -> None:
    store = TokenStore(tokenizer, 16)
    assert store.add(["a lamp", "a door", "a lamp"]).tolist() == [0, 1, 0]
    assert store.add(["a door", "", "a lamp"]).tolist() == [1, 2, 0]
    assert tokenizer.asked == ["a lamp", "a door", ""]
    plain = Tokenizer.from_file(str(tiny_bundle.TOKENIZER))
    plain.no_padding()
    for number, text in enumerate(tokenizer.asked):
        assert text_of(store, number) == plain.encode(text, add_special_tokens=False).ids
    assert store.lengths.tolist() == [2, 2, 0]


def test_small_numbers_for_a_small_vocabulary(tokenizer: Counting) -> None:
    store = TokenStore(tokenizer, 16)
    store.add(["a lamp"])
    assert store.tokens.dtype == np.uint16


def test_of_a_long_text_both_ends_are_kept(tokenizer: Counting) -> None:
    whole = TokenStore(tokenizer, 1000)
    cut = TokenStore(tokenizer, 4)
    text = " ".join(str(number) for number in range(100, 200))
    for store in (whole, cut):
        store.add(["first", text])
    ids = text_of(whole, 1)
    assert text_of(cut, 1) == ids[:4] + ids[-4:]
    assert text_of(cut, 0) == text_of(whole, 0)


def test_nothing_added_is_nothing_held(tokenizer: Counting) -> None:
    store = TokenStore(tokenizer, 4)
    assert store.add([]).tolist() == []
    assert len(store.tokens) == len(store.lengths) == 0
