from __future__ import annotations

import math

import numpy as np
import pytest

from foldship_kernel.retrieval.words import LENGTH, SATURATION, Postings, keys, terms

TEXTS = [
    "The cat sat on the mat.",
    "Dogs and CATS are animals, and a cat is not a dog.",
    "A study of BRCA1-negative patients (n = 20)",
    "",
    "고양이가 매트에 앉았다",
    "mat mat mat",
]


def by_the_book(query: str, texts: list[str]) -> list[float]:
    """BM25 as it is written down, passage by passage."""
    passages = [terms(text) for text in texts]
    mean = sum(map(len, passages)) / len(passages)
    scores = []
    for passage in passages:
        score = 0.0
        for word in set(terms(query)):
            holding = sum(word in other for other in passages)
            rarity = math.log(1 + (len(passages) - holding + 0.5) / (holding + 0.5))
            often = passage.count(word)
            norm = SATURATION * (1 - LENGTH + LENGTH * len(passage) / mean)
            score += rarity * often * (SATURATION + 1) / (often + norm)
        scores.append(score)
    return scores


@pytest.mark.parametrize("query", ["cat mat", "Cats? cats!", "brca1", "매트에", "unheard of", "", "the a"])
def test_scores_are_those_of_the_book(query: str) -> None:
    np.testing.assert_allclose(Postings.of(TEXTS).scores(query), by_the_book(query, TEXTS), rtol=1e-5)


def test_random_texts_too() -> None:
    random = np.random.default_rng(3)
    words = [f"w{number}" for number in range(50)]
    texts = [" ".join(random.choice(words, size=random.integers(0, 30))) for _ in range(200)]
    postings = Postings.of(texts)
    for _ in range(20):
        query = " ".join(random.choice(words, size=4))
        np.testing.assert_allclose(postings.scores(query), by_the_book(query, texts), rtol=1e-5)
    assert (np.diff(postings.keys.astype(object)) > 0).all()


@pytest.mark.parametrize("texts", [[], [""], ["...", " "]])
def test_nothing_to_find(texts: list[str]) -> None:
    assert Postings.of(texts).scores("anything").tolist() == [0.0] * len(texts)


def test_words_of_a_text() -> None:
    assert terms("Studies of Cats: BRCA1's glass, virus_buses") == [
        "study",
        "of",
        "cat",
        "brca1",
        "s",
        "glass",
        "virus",
        "buse",
    ]
    assert keys(["cat", "cat", "dog"]).tolist()[0] == keys(["cat"])[0]
    assert len(set(keys(terms("a b c d")).tolist())) == 4
