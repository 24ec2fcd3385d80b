"""Where sentences end in biomedical text.

A full stop ends a sentence if a word that can begin one follows, unless it belongs to an abbreviation, an
initial or a number. pysbd 0.3.4 and syntok 1.4.4 were tried and err on the likes of "approx. 2 h", "spp. was"
or "fell. mRNA"; here every character outside white space is in one sentence, by construction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from foldship.documents.abbreviations import BEFORE_NUMBER, EITHER, NEVER, STARTERS

# A stop, what may close after it, and white space; that is often forgotten before a capital. Or a blank line.
_STOP = re.compile(
    r"""(?<![.!?…])(?P<stop>[.!?…]++)[)\]}"'”’»]*+"""  # noqa: RUF001
    r"(?P<gap>\s++|(?<=[a-z]{2}\.|[a-zA-Z]\)\.)(?=[A-Z][a-z]*\s|[A-Z]{3}))|\n\s*\n\s*+"
)
_LOOK_BACK = 200  # characters in which the last words stand
_NEXT = re.compile(r"\S+")
# Upper case, figures, Greek and signs begin a sentence; of small letters, only names such as mRNA, pH, p53.
_BEGINS = re.compile(r"""["'“‘«(\[{]*(?:[^\W_a-z]|[α-ω±~≈<>≤≥]|[a-z]{1,4}-?[A-Z0-9])""")  # noqa: RUF001
_OPENING = "\"'“‘«([{"  # noqa: RUF001
_INITIAL = re.compile(r"(?:[A-Z]\.-)?[A-Z]")  # J, J.-P
_INITIALS = re.compile(r"[A-Z](?:\.[A-Z])+")  # U.S
_NUMBER = re.compile(r"[0-9]{1,3}|[ivx]{1,4}")


def split(text: str) -> list[str]:
    """The sentences of a text in their order, without white space around them.

    Blank lines end a sentence, too; other line breaks are white space.
    """
    return [text[begin:end] for begin, end in spans(text)]


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Begin and end of each sentence, in characters; only white space lies between them."""
    begin = 0
    for found in _STOP.finditer(text):
        if found["stop"] is None or _ends(text, begin, found):
            yield from _trimmed(text, begin, found.end())
            begin = found.end()
    yield from _trimmed(text, begin, len(text))


def _trimmed(text: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    part = text[begin:end]
    if part.strip():
        yield begin + len(part) - len(part.lstrip()), begin + len(part.rstrip())


def _ends(text: str, begin: int, found: re.Match[str]) -> bool:
    """Whether a sentence that begins at `begin` ends with this stop."""
    following = _NEXT.match(text, found.end())
    if following is None or found["gap"].count("\n") > 1:
        return True
    if not _BEGINS.match(following[0]):
        return False
    if found["stop"] != ".":
        return True
    closed = found.end("stop") < found.start("gap")
    earlier, word = _last_word(text[max(begin, found.start() - _LOOK_BACK) : found.start()])
    return closed or _ends_with(word.lstrip(_OPENING), earlier, following[0].lstrip(_OPENING))


def _last_word(text: str) -> tuple[str, str]:
    """What stands before the last word of a text, and that word; each may be empty."""
    *earlier, word = text.rsplit(maxsplit=1) or [""]
    return " ".join(earlier), word


def _ends_with(word: str, earlier: str, following: str) -> bool:
    """Whether a sentence ends with the stop after `word`, before which `earlier` stands in it."""
    # In capitals it is a short name, not an abbreviation: the ED is no editor.
    known = word if len(word) > 1 and word.isupper() and "." not in word else word.lower()
    starts = re.split(r"\W", following, maxsplit=1)[0].lower() in STARTERS
    if known in NEVER:
        return False
    if known in BEFORE_NUMBER and following[0].isdigit():
        return False
    if known in EITHER or _INITIALS.fullmatch(word):
        return starts
    if not earlier and _NUMBER.fullmatch(known):
        return False  # the number of a list's item
    if _INITIAL.fullmatch(word):
        return starts or not _names(earlier)
    return True


def _names(earlier: str) -> bool:
    """Whether a single capital after this text is a name's initial, not a label as in "vitamin D"."""
    if not earlier or earlier[-1] in ",;(&":
        return True
    _, word = _last_word(earlier)
    return word[0].isupper() or word in {"and", "by", "of", "with"}
