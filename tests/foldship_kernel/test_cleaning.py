from __future__ import annotations

import pytest
from hostile_texts import HOSTILE

from foldship_kernel.cleaning import PLAIN, Cleaning, clean, clean_all, resolve

CODE = "Look:\n\nint a = 1;\nint b = 2;\n\nIt fails."


@pytest.mark.parametrize(
    ("cleaning", "raw", "cleaned"),
    [
        (PLAIN, "a &lt;b&gt;\n <i>c</i> &amp; https://x.org/y $z$", "a <b> <i>c</i> & https://x.org/y $z$"),
        (Cleaning(links="host"), "(see https://www.Example.org/a?b=1).", "(see example.org)."),
        (Cleaning(links="host"), "ftp at http://me:word@files.example:80/x", "ftp at files.example"),
        (Cleaning(links="mark"), "see http://example.org/a_b, or HTTPS://b.org", "see link, or link"),
        (Cleaning(math="mark"), "let $x$ be, for $5 or $6", "let formula be, for $5 or $6"),
        (Cleaning(code="mark"), CODE, "Look: code It fails."),
        (Cleaning(code="mark"), "call `f(x)` now", "call code now"),
        (Cleaning(markup=True), "if a <i or j> b then <a href='x'>c</a>", "if a <i or j> b then c"),
        (Cleaning(markup=True), "<p>one</p><p>t<b>w</b>o<br/>three</p>", "one two three"),
        (Cleaning(markup=True), "List<String> a &lt;b&gt; 1 <2> 3", "List<String> a <b> 1 <2> 3"),
        (
            Cleaning(repeats=2),
            "ㅋㅋㅋㅋㅋ 정말!!!! 하하하하 good 1111 ㅠㅠ ...",
            "ㅋㅋ 정말!! 하하 good 1111 ㅠㅠ ..",
        ),
        (Cleaning(repeats=1), "와우우우???", "와우?"),
        (Cleaning(emoji="mark"), "좋아요😀👍🏽 ok ☀️", "좋아요 emoji ok emoji"),
        (Cleaning(emoji="drop"), "family👨‍👩‍👧 and flag🇰🇷.", "family and flag ."),
        (PLAIN, "ㅋㅋㅋㅋ 😀", "ㅋㅋㅋㅋ 😀"),
        (Cleaning("mark", "mark", "mark", True, 2, "drop"), None, ""),
    ],
)
def test_clean(cleaning: Cleaning, raw: object, cleaned: str) -> None:
    assert clean(raw, cleaning) == cleaned
    assert clean_all([raw, raw], cleaning) == [cleaned, cleaned]


def test_lines_stay_where_only_entities_are_resolved() -> None:
    assert resolve("a &amp;\n b \ud800") == "a &\n b "
    assert resolve(float("nan")) == ""


@pytest.mark.timeout(60)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_any_text_is_cleaned_in_time_that_grows_with_its_length(text: str) -> None:
    """Where it grew with the square, one of these would take minutes."""
    assert isinstance(clean(text, Cleaning("host", "mark", "mark", True)), str)


def test_raw_leaves_the_text_as_it_came_but_for_what_cannot_be_encoded() -> None:
    text = " two  lines &amp;\n<b>more</b> http://a.b !!!! \ud800"
    raw = Cleaning(raw=True)
    assert clean(text, raw) == text[:-1]
    assert clean(None, raw) == ""
