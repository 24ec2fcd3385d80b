from __future__ import annotations

import numpy as np
import pytest

from bench import repeats, texts
from foldship_kernel.tasks import quest


def test_texts_are_ragged_distinct_and_of_the_asked_mean() -> None:
    rows = texts.sequences(400)
    lengths = rows.lengths
    assert lengths.min() == texts.SHORTEST
    assert lengths.max() == texts.LONGEST
    assert lengths.mean() == pytest.approx(texts.MEAN, rel=0.01)
    assert len({sequence.tobytes() for sequence in rows.sequences}) == 400
    assert all(sequence[0] == 101 and sequence[-1] == 102 for sequence in rows.sequences)
    assert np.array_equal(texts.sequences(400).sequences[7], rows.sequences[7])


def test_questions_repeat_as_in_quest_only_when_asked() -> None:
    repeated = texts.rows(1000, words=(5, 9), repeated=True)
    assert repeated["question_title"].nunique() == round(1000 * 3583 / 6079)
    distinct = texts.rows(1000, words=(5, 9), repeated=False)
    assert distinct["question_title"].nunique() == distinct["answer"].nunique() == 1000
    assert set(quest.TEXTS) <= set(distinct.columns)
    assert distinct["question_body"].str.split().str.len().between(5, 9).all()


def test_unshared_rows_hold_the_same_tokens_once_for_every_row() -> None:
    from foldship_kernel.encode import EncodedRows

    rows = EncodedRows(
        [np.array([1, 2], dtype=np.int32), np.array([3], dtype=np.int32)],
        np.array([2, 1], dtype=np.int32),
        np.array([[0, 1], [0, 0]]),
    )
    found = repeats.unshared(rows)
    assert [sequence.tolist() for sequence in found.sequences] == [[1, 2], [3], [1, 2], [1, 2]]
    assert found.boundaries.tolist() == [2, 1, 2, 2]
    assert found.index.tolist() == [[0, 1], [2, 3]]
