from __future__ import annotations

import numpy as np
import pytest
from declared import quest

from bench import repeats, texts
from foldship_kernel.encoded import EncodedRows


def test_texts_are_ragged_distinct_and_of_the_asked_mean() -> None:
    rows = texts.sequences(400)
    lengths = rows.lengths
    assert lengths.min() == texts.SHORTEST
    assert lengths.max() == texts.LONGEST
    assert lengths.mean() == pytest.approx(texts.MEAN, rel=0.01)
    sequences = [rows.sequence(place) for place in range(400)]
    assert len({sequence.tobytes() for sequence in sequences}) == 400
    assert all(sequence[0] == 101 and sequence[-1] == 102 for sequence in sequences)
    assert np.array_equal(texts.sequences(400).tokens, rows.tokens)


def test_questions_repeat_as_in_quest_only_when_asked() -> None:
    repeated = texts.rows(1000, words=(5, 9), repeated=True)
    assert repeated["question_title"].nunique() == round(1000 * 3583 / 6079)
    distinct = texts.rows(1000, words=(5, 9), repeated=False)
    assert distinct["question_title"].nunique() == distinct["answer"].nunique() == 1000
    assert set(quest.texts) <= set(distinct.columns)
    assert distinct["question_body"].str.split().str.len().between(5, 9).all()


def test_unshared_rows_hold_the_same_tokens_once_for_every_row() -> None:
    rows = EncodedRows(
        np.array([1, 2, 3]), np.array([0, 2, 3]), np.array([2, 1], dtype=np.int32), np.array([[0, 1], [0, 0]])
    )
    found = repeats.unshared(rows)
    assert [found.sequence(place).tolist() for place in range(4)] == [[1, 2], [3], [1, 2], [1, 2]]
    assert found.boundaries.tolist() == [2, 1, 2, 2]
    assert found.index.tolist() == [[0, 1], [2, 3]]
