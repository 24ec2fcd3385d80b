"""How alike two texts are by their characters, words, lengths and numbers, for any language.

An n-gram's weight is looked up by its hash, so that the fitted table stays small however many there are; what
is compared are the n-grams themselves.
"""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

WORDS = 0
SIZES = (WORDS, 1, 2, 3)  # words, then characters in a row
WIDTH = 2 * len(SIZES) + 2
BUCKETS = 4096
_DIGITS = re.compile(r"\d+")
STEPS = 100  # a weight is kept in hundredths

Weights = Sequence[Sequence[int]]


def fit(texts: Iterable[str]) -> tuple[tuple[int, ...], ...]:
    """Inverse document frequencies of the n-grams of distinct texts, by size and bucket, times `STEPS`.

    A bucket's is the mean over its n-grams. An empty one has that of an n-gram never seen.
    """
    distinct = list(dict.fromkeys(texts))
    tables = []
    for size in SIZES:
        found = Counter(gram for text in distinct for gram in set(_grams(text, size)))
        total, number = np.zeros(BUCKETS), np.zeros(BUCKETS)
        for gram, documents in found.items():
            place = _bucket(gram)
            total[place] += _idf(len(distinct), documents)
            number[place] += 1
        unseen = _idf(len(distinct), 0)
        mean = np.divide(total, number, out=np.full(BUCKETS, unseen), where=number > 0)
        tables.append(tuple(int(weight) for weight in np.round(STEPS * mean)))
    return tuple(tables)


def compute(first: Sequence[str], second: Sequence[str], weights: Weights) -> NDArray[np.float64]:
    """(rows, WIDTH) float64 from 0 to 1: what two texts have in common.

    By words, and by one, two and three characters in a row: the cosine of their tf-idf vectors, then, by
    each, the share of their n-grams that both have (Jaccard); how long the shorter one is, as a share of the
    other; and whether they hold the same numbers.

    Args:
        first, second: texts of the rows.
        weights: as `fit` returns them.
    """
    known: dict[tuple[int, str], tuple[dict[str, float], float]] = {}

    def vector(number: int, text: str) -> tuple[dict[str, float], float]:
        key = number, text
        if key not in known:
            counts = Counter(_grams(text, SIZES[number]))
            table = weights[number]
            values = {gram: (1 + math.log(tf)) * table[_bucket(gram)] for gram, tf in counts.items()}
            known[key] = values, math.sqrt(math.fsum(value * value for value in values.values()))
        return known[key]

    result = np.zeros((len(first), WIDTH))
    for row, texts in enumerate(zip(first, second, strict=True)):
        for number in range(len(SIZES)):
            (one, length), (other, other_length) = (vector(number, text) for text in texts)
            if length and other_length:
                common = [gram for gram in one if gram in other]
                product = math.fsum(one[gram] * other[gram] for gram in common)
                result[row, number] = product / (length * other_length)
                result[row, len(SIZES) + number] = len(common) / (len(one) + len(other) - len(common))
        result[row, -2:] = _lengths(*texts), set(_DIGITS.findall(texts[0])) == set(_DIGITS.findall(texts[1]))
    return result


def _lengths(one: str, other: str) -> float:
    shorter, longer = sorted((len(one), len(other)))
    return shorter / longer if longer else 1.0


def _grams(text: str, size: int) -> list[str]:
    text = text.lower()
    return text.split() if size == WORDS else [text[k : k + size] for k in range(len(text) - size + 1)]


def _bucket(gram: str) -> int:
    return zlib.crc32(gram.encode()) % BUCKETS


def _idf(documents: int, holding: int) -> float:
    return math.log((1 + documents) / (1 + holding)) + 1
