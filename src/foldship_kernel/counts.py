"""What is counted in a text, and in a pair of texts.

`basic` are seven cheap ones. `full` adds what solutions of Google QUEST Q&A Labeling counted besides: sizes
and layout, shares of code and LaTeX, whom the text speaks of, how polite and how varied it is. `style` adds
how carefully it is written. Layout is read off the text as it came, before white space is collapsed. The
lists of words are English.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from string import ascii_uppercase, digits

import numpy as np
from numpy.typing import NDArray

from foldship_kernel import patterns, style
from foldship_kernel.cleaning import resolve
from foldship_kernel.text import Texts

BASIC, FULL, STYLE = "basic", "full", "style"
PER_TEXT = {BASIC: 7, FULL: 22, STYLE: 22 + style.WIDTH}
PER_PAIR = {BASIC: 1, FULL: 3, STYLE: 3}
COMMON_WORDS = 1000  # any other word is rare

_CODE = "{}();=<>\\$_"
_QUOTES = '"\u201c\u201d\u00ab\u00bb'
_WORD = re.compile(r"\w+")
# A pattern that begins with a plain character is searched for far faster than one that begins with "^".
_BLANK_LINES = re.compile(r"\n[ \t\r]*(?=\n)")
_ITEM = re.compile(r"\n[ \t]{0,20}(?:[-*+\u2022]|\d{1,2}[.)])[ \t]")
_QUOTED_LINE = re.compile(r"\n(?:>| {2}(?=\S))")
_KINDS = {
    "first": "i me my mine myself we us our ours ourselves",
    "second": "you your yours yourself yourselves",
    "wh": "what why how when which who whom whose where",
    "polite": "please thanks thank appreciate appreciated grateful sorry kindly hi hello regards cheers",
}
_KIND_OF = {word: kind for kind, words in _KINDS.items() for word in words.split()}


def width(kind: str, counted: int, pairs: int) -> int:
    """Number of features of so many texts and pairs."""
    return PER_TEXT[kind] * counted + PER_PAIR[kind] * pairs


def compute(
    texts: Texts,
    kind: str,
    counted: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    common: frozenset[str],
    rows: int,
) -> NDArray[np.float64]:
    """Count: (rows, `width`) float64, all texts first, then all pairs.

    Args:
        texts: of the rows.
        kind: "basic", "full" or "style".
        counted: names of the texts to count.
        pairs: pairs of names to compare.
        common: words that are not rare; "basic" does not read them.
        rows: how many rows there are.
    """
    result = np.zeros((rows, width(kind, len(counted), len(pairs))))
    known: dict[tuple[str, str], tuple[float, ...]] = {}
    vocabularies: dict[str, frozenset[str]] = {}
    size = PER_TEXT[kind]
    for place, name in enumerate(counted):
        columns = slice(size * place, size * (place + 1))
        raw = [""] * rows if kind == BASIC else texts.raw[name]
        for row, (text, original) in enumerate(zip(texts.normalised[name], raw, strict=True)):
            key = text, original if isinstance(original, str) else ""
            if key not in known:
                known[key] = _basic(text)
                if kind != BASIC:
                    found, layout = words(text), resolve(key[1]).strip()
                    vocabularies[text] = frozenset(found)
                    known[key] += _more(text, layout, found)
                    known[key] += style.measure(layout) if kind == STYLE else ()
            result[row, columns] = known[key]
    start, size = size * len(counted), PER_PAIR[kind]
    for place, (first, second) in enumerate(pairs):
        columns = slice(start + size * place, start + size * (place + 1))
        for row, names in enumerate(zip(texts.normalised[first], texts.normalised[second], strict=True)):
            one, two = (_vocabulary(text, vocabularies) for text in names)
            result[row, columns] = [
                len(one & two) / max(1, min(len(one), len(two))),
                *(() if kind == BASIC else _compared(one, two, common)),
            ]
    return result


def common_words(texts: Iterable[Sequence[str]]) -> tuple[str, ...]:
    """The words that stand in most of the distinct normalised texts, by name."""
    distinct = dict.fromkeys(text for part in texts for text in part)
    found = Counter(word for text in distinct for word in set(words(text)))
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return tuple(sorted(word for word, _ in ranked[:COMMON_WORDS]))


def words(text: str) -> list[str]:
    """The words of a text, in small letters."""
    return _WORD.findall(text.lower())


def _basic(text: str) -> tuple[float, ...]:
    size = max(1, len(text))
    return (
        float(np.log1p(len(text))),
        float(np.log1p(text.count("?"))),
        float(np.log1p(text.count("!"))),
        float(np.log1p(text.count("http://") + text.count("https://"))),
        _number(text, _CODE) / size,
        (_number(text, digits) if text.isascii() else sum(map(str.isdigit, text))) / size,
        (_number(text, ascii_uppercase) if text.isascii() else sum(map(str.isupper, text))) / size,
    )


def _number(text: str, characters: str) -> int:
    """How often any of these characters stands in a text."""
    return sum(map(text.count, characters))


def _more(text: str, layout: str, found: Sequence[str]) -> tuple[float, ...]:
    count = max(1, len(found))
    kinds = Counter(map(_KIND_OF.get, found))
    size = max(1, len(layout))
    lines = f"\n{layout}"
    logs = np.log1p(
        [
            len(found),
            sum(map(text.count, (". ", "! ", "? "))) + text.endswith((".", "!", "?")),
            layout.count("\n"),
            len(_BLANK_LINES.findall(layout)),
            len(_ITEM.findall(lines)),
            _number(layout, _QUOTES) + len(_QUOTED_LINE.findall(lines)),
        ]
    )
    return (
        *logs.tolist(),
        sum(map(len, found)) / count,
        _covered(patterns.code(layout)) / size,
        _covered(patterns.formulas(layout)) / size,
        *(kinds[kind] / count for kind in _KINDS),
        float(kinds["polite"] > 0),
        len(set(found)) / count,
    )


def _compared(one: frozenset[str], two: frozenset[str], common: frozenset[str]) -> tuple[float, float]:
    """Share of the first's rare words that the second has, and the log of how many times as long it is."""
    rare = one - common
    return len(rare & two) / max(1, len(rare)), float(np.log((1 + len(two)) / (1 + len(one))))


def _vocabulary(text: str, known: dict[str, frozenset[str]]) -> frozenset[str]:
    if text not in known:
        known[text] = frozenset(words(text))
    return known[text]


def _covered(spans: Iterable[patterns.Span]) -> int:
    return sum(end - start for start, end in spans)
