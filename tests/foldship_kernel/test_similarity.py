"""How alike two texts are."""

from __future__ import annotations

import numpy as np
import pytest
from hostile_texts import HOSTILE
from sklearn.feature_extraction.text import TfidfVectorizer

from foldship_kernel import similarity

TEXTS = [
    "A man is playing a guitar",
    "a man plays the guitar",
    "A dog runs",
    "the dog is running fast",
    "한 남자가 기타를 친다",
    "한 여자가 기타를 친다",
]
WEIGHTS = similarity.fit(TEXTS)


def test_equal_texts_are_alike_and_strangers_are_not() -> None:
    same = similarity.compute(TEXTS, TEXTS, WEIGHTS)
    assert same == pytest.approx(np.ones((len(TEXTS), similarity.WIDTH)))
    nothing = [0.0] * (similarity.WIDTH - 2)
    assert similarity.compute(["abc"], ["wxyz"], WEIGHTS).tolist() == [[*nothing, 0.75, 1.0]]
    assert similarity.compute(["", "a"], ["a", ""], WEIGHTS).tolist() == [[*nothing, 0.0, 1.0]] * 2
    assert similarity.compute([""], [""], WEIGHTS).tolist() == [[*nothing, 1.0, 1.0]]


def test_numbers_and_shares_of_n_grams() -> None:
    found = similarity.compute(["at 10 or 12", "at 10"], ["12 or at 10", "at 11"], WEIGHTS)
    assert found[:, -1].tolist() == [1.0, 0.0]
    assert found[1, 4:6] == pytest.approx(
        [1 / 3, 4 / 5]
    )  # words; characters " 01at", one of them in one text only


@pytest.mark.parametrize(("place", "size"), [(1, 1), (2, 2), (3, 3)])
def test_it_is_the_cosine_of_tf_idf_vectors(place: int, size: int) -> None:
    library = TfidfVectorizer(analyzer="char", ngram_range=(size, size), sublinear_tf=True).fit(TEXTS)
    vectors = library.transform(TEXTS).toarray()
    pairs = [(one, other) for one in range(len(TEXTS)) for other in range(len(TEXTS))]
    found = similarity.compute(
        [TEXTS[one] for one, _ in pairs], [TEXTS[other] for _, other in pairs], WEIGHTS
    )
    expected = [vectors[one] @ vectors[other] for one, other in pairs]
    # Weights are kept in hundredths, and a few n-grams share a bucket.
    np.testing.assert_allclose(found[:, place], expected, atol=0.02)


def test_a_rare_word_in_common_tells_more_than_a_frequent_one() -> None:
    weights = similarity.fit([f"the word{number}" for number in range(50)])
    rare, frequent = similarity.compute(["the word1", "the word1"], ["a word1", "the word2"], weights)[:, 0]
    assert rare > frequent


def test_the_same_text_in_another_order_or_twice_fits_the_same_weights() -> None:
    assert similarity.fit([*TEXTS[::-1], *TEXTS]) == WEIGHTS
    assert len(WEIGHTS) == len(similarity.SIZES) and all(
        len(table) == similarity.BUCKETS for table in WEIGHTS
    )


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_any_text_is_compared(text: str) -> None:
    found = similarity.compute([text, text], [text, "plain"], WEIGHTS)
    assert ((found >= 0) & (found <= 1 + 1e-9)).all()
