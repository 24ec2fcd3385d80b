from __future__ import annotations

import pytest

from foldship_kernel import style

NAMES = [
    "small sentences", "small text", "lone i", "all capitals", "capitalised", "no apostrophe", "apostrophe",
    "chat", "no space after", "space before", "repeated", "ellipses", "ends",
]  # fmt: skip


def measure(text: str) -> dict[str, float]:
    return dict(zip(NAMES, style.measure(text), strict=True))


def test_an_empty_text_measures_nothing() -> None:
    assert len(NAMES) == style.WIDTH
    assert set(measure("").values()) == {0.0}
    assert set(measure("{} ;; 12").values()) == {0.0}


def test_sentences_that_begin_in_lower_case() -> None:
    found = measure("why is it so?\nIt is so. but i do wonder! ok")
    assert found["small sentences"] == pytest.approx(2 / 3)  # "ok" is too short to be one
    assert found["small text"] == 1
    assert measure("Why is it so? no.")["small text"] == 0


def test_shares_of_words() -> None:
    found = measure("I think i can't use SQL because John dont know, thx")
    words = 11
    assert found["lone i"] == found["no apostrophe"] == found["chat"] == pytest.approx(1 / words)
    assert found["apostrophe"] == found["all capitals"] == pytest.approx(1 / words)
    assert found["capitalised"] == pytest.approx(2 / words)  # SQL and John
    assert measure("It\u2019s fine")["apostrophe"] == pytest.approx(1 / 2)


@pytest.mark.parametrize(
    ("text", "name", "times"),
    [
        ("one,two three", "no space after", 1),
        ("one.Two three", "no space after", 1),
        ("file.txt and os.path", "no space after", 0),
        ("one , two ?", "space before", 2),
        ("one .txt", "space before", 0),
        ("what?? no!?", "repeated", 2),
        ("so.. well... yes\u2026", "ellipses", 3),
    ],
)
def test_marks_for_each_word(text: str, name: str, times: int) -> None:
    words = len([word for word in text.replace(",", " ").replace(".", " ").split() if word.strip("?!\u2026")])
    assert measure(text)[name] == pytest.approx(times / words)


@pytest.mark.parametrize(("text", "ends"), [("Yes.", 1), ("Yes", 0), ("(yes)", 1), ("Yes:", 0)])
def test_whether_it_ends_with_a_mark(text: str, ends: int) -> None:
    assert measure(text)["ends"] == ends
