"""What is done to texts before they are tokenised; a model may ask for more than the usual."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from foldship_kernel import patterns

# Plain words, which any vocabulary holds.
LINK, FORMULA, CODE, EMOJI = "link", "formula", "code", "emoji"
# Known names only: List<String> is no markup.
_TAG = re.compile(
    r"</?(?:a|abbr|b|big|blockquote|body|br|center|cite|code|dd|del|div|dl|dt|em|font|h[1-6]|head|hr|html|i|img|"
    r"ins|kbd|li|ol|p|pre|q|s|samp|script|small|span|strike|strong|style|sub|sup|table|tbody|td|th|thead|"
    r"title|tr|tt|u|ul|var)(?:\s[^<>]*[=\"'][^<>]*|\s*/?)>",
    re.IGNORECASE,
)
_LINE_TAG = re.compile(r"</?(?:blockquote|br|dd|div|dt|h[1-6]|hr|li|ol|p|pre|table|tr|ul)\b", re.IGNORECASE)
_INLINE_CODE = re.compile(r"`[^`\n]{1,200}`")
# Jamo of their own, as chat has them, syllables, and the marks that people repeat.
_RUN = re.compile(r"([\u3131-\u3163\uac00-\ud7a3!?.,~^;\u2026\u3160])\1+")
# Pictographs, dingbats, flags; what joins them, varies them, gives them a skin.
_EMOJI = re.compile(
    "(?:[\U0001f000-\U0001faff\u2600-\u27bf\u2b50\u2b55\u2934\u2935\u203c\u2049\u3030\u303d\u3297\u3299]"
    "[\u200d\ufe0e\ufe0f\u20e3]*)+"
)
_AFTER_LINK = ".,;:!?)]}'"  # belongs to the sentence around it


@dataclass(frozen=True)
class Cleaning:
    """How texts are cleaned, besides that entities are resolved and white space is collapsed.

    Attributes:
        links: "keep", "host" (its host's name in place of a link) or "mark" (a plain word).
        math: "keep" or "mark": a plain word in place of LaTeX.
        code: "keep" or "mark": a plain word in place of code and of stack traces.
        markup: whether left-over HTML tags are removed. Tags that are written as entities are text.
        repeats: how often the same jamo, Hangul syllable or mark may stand in a row, as in "!!!!"; 0 for any
            number.
        emoji: "keep", "mark" (a plain word in their place) or "drop".
        raw: whether the text is left as it came, entities and white space, too; nothing else is then done.
    """

    links: str = "keep"
    math: str = "keep"
    code: str = "keep"
    markup: bool = False
    repeats: int = 0
    emoji: str = "keep"
    raw: bool = False


PLAIN = Cleaning()


def resolve(value: object) -> str:
    """`value` with HTML entities resolved; lines are kept.

    Missing values (None, NaN) become the empty string. Characters that cannot be encoded (lone surrogates)
    are dropped, since a tokenizer would refuse them.
    """
    if not isinstance(value, str):
        return ""
    return _encodable(html.unescape(value))


def _encodable(text: str) -> str:
    return text.encode("utf-8", "ignore").decode("utf-8")


def clean(value: object, cleaning: Cleaning = PLAIN) -> str:
    """`value` as one line of text: cleaned, entities resolved, white space collapsed; "" if it is no str.

    With `raw` it is `value` but for characters that cannot be encoded.
    """
    if cleaning.raw:
        return _encodable(value) if isinstance(value, str) else ""
    if cleaning.markup and isinstance(value, str):
        value = _TAG.sub(_without_tag, value)
    text = resolve(value)
    if cleaning.code == "mark":
        text = patterns.replace(text, patterns.code(text), lambda _: f"{CODE}\n")
        text = _INLINE_CODE.sub(CODE, text)
    if cleaning.math == "mark":
        text = patterns.replace(text, patterns.formulas(text), lambda _: FORMULA)
    if cleaning.links != "keep":
        text = patterns.LINK.sub(_host if cleaning.links == "host" else _mark, text)
    if cleaning.emoji != "keep":
        text = _EMOJI.sub(f" {EMOJI} " if cleaning.emoji == "mark" else " ", text)
    if cleaning.repeats:
        text = _RUN.sub(lambda found: found[0][: cleaning.repeats], text)
    return " ".join(text.split())


def clean_all(values: Iterable[object], cleaning: Cleaning = PLAIN) -> list[str]:
    """`clean` each value, in order; a repeated value is cleaned once."""
    return each(values, lambda value: clean(value, cleaning))


def each(values: Iterable[object], function: Callable[[object], str]) -> list[str]:
    """`function` of each value, "" where it is no str; a repeated value is asked for once."""
    seen: dict[str, str] = {}
    result = []
    for value in values:
        if not isinstance(value, str):
            result.append("")
            continue
        if value not in seen:
            seen[value] = function(value)
        result.append(seen[value])
    return result


def _without_tag(match: re.Match[str]) -> str:
    return "\n" if _LINE_TAG.match(match[0]) else ""


def _host(match: re.Match[str]) -> str:
    link = match[0].rstrip(_AFTER_LINK)
    host = re.split(r"[/?#]", link.partition("://")[2], maxsplit=1)[0].lower()
    host = host.rpartition("@")[2].partition(":")[0]
    return host.removeprefix("www.") + match[0][len(link) :]


def _mark(match: re.Match[str]) -> str:
    return LINK + match[0][len(match[0].rstrip(_AFTER_LINK)) :]
