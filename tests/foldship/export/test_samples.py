from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from declared import quest

from foldship.export.samples import HELD_OUT_ROWS, Rows, held_out

COUNT = 2 * HELD_OUT_ROWS + 100


def table(offset: float) -> pd.DataFrame:
    """Row k's id is the text of k; all its targets are k + `offset`."""
    numbers = np.arange(COUNT)
    return pd.DataFrame({"qa_id": numbers.astype(str), **dict.fromkeys(quest.targets, numbers + offset)})


def test_each_fold_gets_its_own_rows_of_all_lengths_joined_by_id(
    graded_rows: Callable[[int], Rows],
) -> None:
    predicted = table(0.25).assign(fold=np.arange(COUNT) % 2).sample(frac=1, random_state=0)
    samples = held_out(graded_rows(COUNT), table(0.5), predicted, quest)
    assert sorted(samples) == [0, 1]
    for fold, sample in samples.items():
        numbers = sample.rows.features[:, 0]
        assert len(numbers) == HELD_OUT_ROWS
        assert set(numbers % 2) == {fold}
        assert numbers.min() == fold and numbers.max() == COUNT - 2 + fold
        np.testing.assert_array_equal(sample.truth[:, 0], numbers + 0.5)
        np.testing.assert_array_equal(sample.trained[:, 3], numbers + 0.25)
        lengths = sample.rows.encoded.lengths[sample.rows.encoded.index[:, 0]]
        np.testing.assert_array_equal(lengths, numbers + 1)


def test_a_part_holds_about_as_many_tokens_as_asked_for(graded_rows: Callable[[int], Rows]) -> None:
    whole = graded_rows(COUNT)
    part = whole.about(whole.tokens / 10)
    assert 0.8 < 10 * part.tokens / whole.tokens < 1.2
    assert part.encoded.lengths.min() == 1 and part.encoded.lengths.max() == COUNT
    assert whole.about(1e12).tokens == whole.tokens
    assert len(whole.about(0.0).features) == 1
