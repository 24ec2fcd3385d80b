"""Spans of texts: marked, taken out, told by token, and never cut while there is room."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_bundle
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from foldship_kernel import spans
from foldship_kernel.encode import EncodingSpec, TowerSpec, join
from foldship_kernel.encoded import EncodedRows
from foldship_kernel.tokens import TokenStore

TOKENIZER = Tokenizer.from_file(str(tiny_bundle.TOKENIZER))


def spec(longest: int, *segments: str, budgets: tuple[int | None, ...] | None = None) -> EncodingSpec:
    tower = TowerSpec(segments or ("text",), longest, budgets or (None,) * max(1, len(segments)))
    return EncodingSpec((tower,), 0.5, (101,), (102,), (102,), 0, False, spans=True)


def encode(text: str, longest: int, other: str | None = None, **options: object) -> EncodedRows:
    segments = ("text",) if other is None else ("other", "text")
    chosen = spec(longest, *segments, **options)
    store = TokenStore(Tokenizer.from_file(str(tiny_bundle.TOKENIZER)), chosen.reach, marked=True)
    numbers = {"text": store.add([text])} | ({} if other is None else {"other": store.add([other])})
    return join(store, numbers, chosen)


def words(rows: EncodedRows, bit: int | None = None) -> list[str]:
    """Tokens of the first sequence, all or those of one span."""
    assert rows.marks is not None
    ids = rows.sequence(0)
    own = rows.marks[rows.offsets[0] : rows.offsets[1]]
    chosen = ids if bit is None else ids[own & (1 << bit) > 0]
    return [TOKENIZER.id_to_token(int(token)) for token in chosen]


def test_marks_are_taken_out_and_known_by_their_place() -> None:
    marked = f"in {spans.mark(0, 'the ' + spans.mark(1, 'old') + ' city')} of {spans.mark(2, 'Ur')}."
    text, extents = spans.take_out(marked)
    assert text == "in the old city of Ur."
    assert {number: text[start:stop] for number, start, stop in extents} == {
        0: "the old city",
        1: "old",
        2: "Ur",
    }
    assert spans.has_any(marked) and not spans.has_any(text)
    assert spans.clear(marked) == text


def test_spans_may_overlap() -> None:
    opened = [spans.mark(number, "|").split("|") for number in (0, 1)]
    marked = f"a {opened[0][0]}b {opened[1][0]}c{opened[0][1]} d{opened[1][1]} e"
    text, extents = spans.take_out(marked)
    assert sorted((number, text[start:stop]) for number, start, stop in extents) == [(0, "b c"), (1, "c d")]
    rows = encode(marked, 32)
    assert words(rows, 0) == ["b", "c"] and words(rows, 1) == ["c", "d"]


def test_tokens_know_their_spans() -> None:
    rows = encode(f"Now {spans.mark(0, 'Ulan Bator')} is the capital of {spans.mark(1, 'Mongolia')}!", 32)
    assert "".join(words(rows, 0)).replace("##", "") == "ulanbator"
    assert words(rows, 1) == ["mongolia"]
    assert words(rows)[0] == "[CLS]" and words(rows)[-1] == "[SEP]"


@pytest.mark.parametrize("longest", [8, 10, 16, 30, 60])
@pytest.mark.parametrize("apart", [0, 5, 200, 4000])
def test_a_span_is_never_cut(longest: int, apart: int) -> None:
    marked = f"{spans.mark(0, 'red river')} {'between ' * apart}{spans.mark(1, 'blue')}"
    text = f"{'before ' * 300}{marked} {'after ' * 900}"
    rows = encode(text, longest)
    assert int(rows.lengths[0]) == longest
    assert words(rows, 0) == ["red", "river"] and words(rows, 1) == ["blue"]


def test_other_segments_are_cut_as_before() -> None:
    text = f"{'x ' * 50}{spans.mark(0, 'red river')} {'y ' * 50}"
    rows = encode(text, 24, other="start " + "z " * 100 + "end", budgets=(6, None))
    shown = words(rows)
    assert shown[1] == "start" and shown[6] == "end" and words(rows, 0) == ["red", "river"]
    assert len(shown) == 24


def test_rows_that_differ_in_their_spans_alone_are_told_apart() -> None:
    chosen = spec(16)
    store = TokenStore(Tokenizer.from_file(str(tiny_bundle.TOKENIZER)), chosen.reach, marked=True)
    texts = [f"{spans.mark(0, 'one')} two", f"one {spans.mark(0, 'two')}", f"{spans.mark(0, 'one')} two"]
    rows = join(store, {"text": store.add(texts)}, chosen)
    assert rows.index[:, 0].tolist() == [0, 1, 0]
    taken = rows.take(np.array([1]))
    assert words(taken, 0) == ["two"]
    assert words(taken.plus(rows), 0) == ["two"]


def test_private_characters_of_a_text_are_text_where_no_spans_are_asked_for() -> None:
    text = spans.mark(0, "one") + " two"
    store = TokenStore(Tokenizer.from_file(str(tiny_bundle.TOKENIZER)), 8)
    store.add([text])
    assert not store.marks.any()


@given(st.lists(st.sampled_from([0, 0, 0, 0, 1, 2, 3]), min_size=1, max_size=40), st.data())
def test_two_pieces_hold_all_spans_while_there_is_room(bits: list[int], data: st.DataObject) -> None:
    marks = np.array(bits, dtype=np.uint8)
    room = data.draw(st.integers(0, len(bits) - 1))
    first, length, second, further = spans.windows(marks, room)
    assert length + further == room and min(length, further) >= 0
    assert 0 <= first <= first + length <= second <= second + further <= len(bits)
    kept = np.zeros(len(bits), dtype=bool)
    kept[first : first + length] = kept[second : second + further] = True
    inside = np.flatnonzero(marks)
    if len(inside):
        widest = max([1, *np.diff(inside).tolist()])
        if inside[-1] - inside[0] + 1 - (widest - 1) <= room:
            assert kept[inside].all()


def test_very_long_texts_are_cut_by_characters_around_their_spans() -> None:
    text, extents = spans.take_out(f"{'a' * 900}{spans.mark(0, 'here')}{'b' * 900} {spans.mark(1, 'there')}")
    cut, moved = spans.shorten(text, extents, 100)
    assert len(cut) <= 101
    assert [cut[start:stop] for _, start, stop in moved] == ["here", "there"]
    assert spans.shorten(text, extents, 5000) == (text, extents)


def test_spans_that_do_not_fit_keep_their_beginnings() -> None:
    bits = np.array([0, 1, 1, 1, 1, 0, 0, 2, 2, 2, 0], dtype=np.uint8)
    assert spans.windows(bits, 4) == (1, 2, 7, 2)
    assert spans.windows(bits, 6) == (1, 3, 7, 3)
    assert spans.windows(np.ones(8, dtype=np.uint8), 3)[0] == 0
    rows = encode(f"a {spans.mark(0, '@ ' + 'red ' * 9)} b {spans.mark(1, '# ' + 'blue ' * 9)} c", 10)
    assert words(rows, 0)[0] == "@" and words(rows, 1)[0] == "#"
