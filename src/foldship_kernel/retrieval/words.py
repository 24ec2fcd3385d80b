"""Search by words: BM25 over postings that lie in arrays.

The weights are those of Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond"
(2009), with the logarithm that Lucene takes, which is never negative.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SATURATION, LENGTH = 1.2, 0.75  # k1 and b
_WORD = re.compile(r"[^\W_]+")


def terms(text: str) -> list[str]:
    """The words of a text, small, plural endings off (Harman, "How effective is suffixing?", 1991)."""
    return [_singular(word) for word in _WORD.findall(text.casefold())]


def _singular(word: str) -> str:
    if len(word) > 3 and word.endswith("ies") and word[-4] not in "ae":
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("es") and word[-3] not in "aeo":
        return word[:-1]
    if len(word) > 2 and word.endswith("s") and word[-2] not in "us":
        return word[:-1]
    return word


def keys(words: Iterable[str]) -> NDArray[np.uint64]:
    """64 bits of a hash for each word, (words,) uint64."""
    digests = [hashlib.blake2b(word.encode(), digest_size=8).digest() for word in words]
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


@dataclass(frozen=True)
class Postings:
    """Which words stand in which passages, and how much each counts there.

    Attributes:
        keys: (words,) uint64, rising.
        starts: (words + 1,) int64, where each word's postings begin.
        passages: (postings,) int32 numbers of passages.
        weights: (postings,) float32.
        count: number of passages.
    """

    keys: NDArray[np.uint64]
    starts: NDArray[np.int64]
    passages: NDArray[np.int32]
    weights: NDArray[np.float32]
    count: int

    @classmethod
    def of(cls, texts: Sequence[str]) -> Postings:
        """The postings of some passages."""
        numbers: dict[str, int] = {}
        words, places = [], []
        for place, text in enumerate(texts):
            found = [numbers.setdefault(word, len(numbers)) for word in terms(text)]
            words.append(np.array(found, dtype=np.int64))
            places.append(np.full(len(found), place, dtype=np.int64))
        flat = np.concatenate([*words, np.empty(0, np.int64)])
        pairs = flat * len(texts) + np.concatenate([*places, np.empty(0, np.int64)])
        distinct, repeats = np.unique(pairs, return_counts=True)
        word, passage = np.divmod(distinct, max(1, len(texts)))
        lengths = np.array([len(found) for found in words], dtype=np.float64)
        in_passages = np.bincount(word, minlength=len(numbers))
        rarity = np.log1p((len(texts) - in_passages + 0.5) / (in_passages + 0.5))
        norm = SATURATION * (1 - LENGTH + LENGTH * lengths / max(lengths.mean() if len(texts) else 0.0, 1e-9))
        weights = rarity[word] * repeats * (SATURATION + 1) / (repeats + norm[passage])
        hashed = keys(numbers)
        order = np.argsort(hashed, kind="stable")
        by_word = np.argsort(np.argsort(order)[word], kind="stable")
        return cls(
            keys=hashed[order],
            starts=np.concatenate([[0], np.cumsum(in_passages[order])]).astype(np.int64),
            passages=passage[by_word].astype(np.int32),
            weights=weights[by_word].astype(np.float32),
            count=len(texts),
        )

    def scores(self, query: str) -> NDArray[np.float64]:
        """How well each passage fits the words of a query: (count,) float64, 0 where none is in it."""
        wanted = np.unique(keys(terms(query)))
        places = np.searchsorted(self.keys, wanted)
        known = places < len(self.keys)
        known[known] = self.keys[places[known]] == wanted[known]
        result = np.zeros(self.count)
        for place in places[known]:  # a passage has a word's posting once
            part = slice(self.starts[place], self.starts[place + 1])
            result[self.passages[part]] += self.weights[part]
        return result
