"""How carefully a text is written: what an encoder without capitals does not see, and slips.

The lists of words are English.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

WIDTH = 13
FEWEST_WORDS = 3  # of a sentence; less is a heading, a name or a piece of code

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")
_NO_SPACE = re.compile(r"[a-z](?:[,;!?][A-Za-z]|\.[A-Z][a-z])")
_SPACE_BEFORE = re.compile(r"\w [,.?!;:](?=\s|$)")
_REPEATED = re.compile(r"[!?]{2,}")
_ELLIPSIS = re.compile(r"\.{2,}|\u2026")
_SLIPS = {
    "apostrophe": "im ive dont cant wont doesnt didnt isnt arent wasnt werent couldnt wouldnt shouldnt "
    "havent hasnt hadnt thats whats theres youre theyre",
    "chat": "u ur plz pls thx gonna wanna gotta lol btw imo imho ya yeah yep ok okay hey guys dunno kinda",
}
_WITHOUT_APOSTROPHE, _CHAT = (frozenset(words.split()) for words in _SLIPS.values())


def measure(text: str) -> tuple[float, ...]:
    """Measure a text.

    Args:
        text: with its lines, without white space around it.

    Returns:
        `WIDTH` numbers from 0. The share of sentences that begin in lower case, and whether the text does.
        Of the words, the shares that are a lone "i", in capitals, capitalised (but "I"), lack their
        apostrophe, have one, and are chat. For each word, how many marks have no space after or one before
        them, how many are repeated, and how many ellipses there are. Whether the text ends with a mark.
    """
    words = _WORD.findall(text)
    small = [word.lower() for word in words]
    first = [initial for part in _SENTENCE_END.split(text) if (initial := _initial(part))]

    def share(of: Callable[[str], bool], among: Iterable[str] = words) -> float:
        return sum(map(of, among)) / max(1, len(words))

    return (
        sum(map(str.islower, first)) / max(1, len(first)),
        float(bool(first) and first[0].islower()),
        share("i".__eq__),
        share(lambda word: len(word) > 1 and word.isupper()),
        share(lambda word: word[0].isupper() and word != "I"),
        share(_WITHOUT_APOSTROPHE.__contains__, small),
        share(lambda word: "'" in word or "\u2019" in word),
        share(_CHAT.__contains__, small),
        *(
            len(pattern.findall(text)) / max(1, len(words))
            for pattern in (_NO_SPACE, _SPACE_BEFORE, _REPEATED, _ELLIPSIS)
        ),
        float(text.endswith((".", "!", "?", ")"))),
    )


def _initial(sentence: str) -> str:
    """First letter of a sentence; empty where it is too short to be one."""
    words = _WORD.findall(sentence)
    return words[0][0] if len(words) >= FEWEST_WORDS else ""
