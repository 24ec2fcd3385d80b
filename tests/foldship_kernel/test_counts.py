from __future__ import annotations

import numpy as np
import pytest
from hostile_texts import HOSTILE

from foldship_kernel import counts
from foldship_kernel.text import Texts, normalise_all

NAMES = [
    "characters", "questions", "exclamations", "links", "code signs", "digits", "capitals",
    "words", "sentences", "lines", "paragraphs", "items", "quotes", "word length", "code", "latex",
    "first", "second", "wh", "polite", "is polite", "variety",
]  # fmt: skip


def count(raw: str) -> dict[str, float]:
    texts = Texts({"t": [raw]}, {"t": normalise_all([raw])})
    values = counts.compute(texts, counts.FULL, ["t"], [], frozenset(), 1)
    return dict(zip(NAMES, values[0].tolist(), strict=True))


@pytest.fixture(params=[counts.FULL, counts.STYLE])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def compare(first: str, second: str, common: str = "") -> list[float]:
    texts = Texts({}, {"a": [first], "b": [second]})
    return counts.compute(texts, counts.FULL, [], [("a", "b")], frozenset(common.split()), 1)[0].tolist()


def test_layout_is_read_before_white_space_is_collapsed() -> None:
    found = count("One.\n\nTwo:\n\n- three\n- four\n1. five\n\n  quoted line\n\n")
    assert np.expm1(found["lines"]) == pytest.approx(8)
    assert np.expm1(found["paragraphs"]) == pytest.approx(3)
    assert np.expm1(found["items"]) == pytest.approx(3)
    assert np.expm1(found["quotes"]) == pytest.approx(1)


def test_words_and_whom_they_speak_of() -> None:
    found = count("Thanks! Why do you think I am wrong? I am not.")
    assert np.expm1(found["words"]) == pytest.approx(11)
    assert np.expm1(found["sentences"]) == pytest.approx(3)
    assert found["first"] == pytest.approx(2 / 11)
    assert found["second"] == found["wh"] == found["polite"] == pytest.approx(1 / 11)
    assert found["is polite"] == 1
    assert found["variety"] == pytest.approx(9 / 11)
    assert count("a bb ccc")["word length"] == 2


def test_shares_of_code_and_latex() -> None:
    assert count("int a = 1;\nint b = 2;")["code"] == 1
    assert 0.4 < count("Look at it here:\nint a = 1; // it")["code"] < 0.6
    assert count("let $abc$ be")["latex"] == pytest.approx(5 / 12)
    assert count("all is prose")["code"] == 0


def test_an_empty_text_counts_nothing() -> None:
    assert set(count("").values()) == {0.0}


@pytest.mark.parametrize("text", ["Ä1²", "A1 b", "ABC 123 {x} http://a https://b"])
def test_digits_and_capitals_of_any_script(text: str) -> None:
    found = count(text)
    assert found["digits"] == pytest.approx(sum(map(str.isdigit, text)) / len(text))
    assert found["capitals"] == pytest.approx(sum(map(str.isupper, text)) / len(text))
    assert np.expm1(found["links"]) == pytest.approx(text.count("http"))


def test_pairs_of_texts() -> None:
    overlap, rare, ratio = compare(
        "how does the quark spin", "the quark is odd and it is old", "how the does is"
    )
    assert overlap == pytest.approx(2 / 5)
    assert rare == pytest.approx(1 / 2)  # quark, of quark and spin
    assert ratio == pytest.approx(np.log(8 / 6))
    assert compare("", "") == [0.0, 0.0, 0.0]


def test_basic_counts_are_the_first_of_the_others(kind: str) -> None:
    raw = ["Some text? With {code} and 12 http://links!", "", "x" * 9]
    texts = Texts({"t": raw}, {"t": normalise_all(raw)})
    pairs = [("t", "t")]
    basic = counts.compute(texts, counts.BASIC, ["t"], pairs, frozenset(), 3)
    more = counts.compute(texts, kind, ["t"], pairs, frozenset(), 3)
    assert basic.shape == (3, counts.width(counts.BASIC, 1, 1))
    assert more.shape == (3, counts.width(kind, 1, 1))
    np.testing.assert_array_equal(more[:, :7], basic[:, :7])
    np.testing.assert_array_equal(more[:, counts.PER_TEXT[kind]], basic[:, 7])


def test_style_is_measured_after_what_else_is_counted() -> None:
    raw = ["First.\nthen i dont know", ""]
    texts = Texts({"t": raw}, {"t": normalise_all(raw)})
    full, style = (
        counts.compute(texts, kind, ["t"], [], frozenset(), 2) for kind in (counts.FULL, counts.STYLE)
    )
    np.testing.assert_array_equal(style[:, :22], full)
    assert style[0, 22] == 1  # the one sentence of several words begins in lower case: lines are read
    assert not style[1].any()


def test_common_words_stand_in_most_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "COMMON_WORDS", 2)
    texts = ["the lamp lamp lamp", "The door", "a door", "a door"]  # a text that stands twice counts once
    assert counts.common_words([texts]) == ("door", "the")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_any_text_is_counted_in_time_that_grows_with_its_length(text: str) -> None:
    texts = Texts({"t": [text]}, {"t": normalise_all([text])})
    assert np.isfinite(counts.compute(texts, counts.STYLE, ["t"], [], frozenset(), 1)).all()
