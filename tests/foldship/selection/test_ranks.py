from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from foldship.selection.ranks import Ranked


@settings(deadline=None, max_examples=50)
@given(
    st.integers(2, 40), st.integers(2, 6), st.integers(1, 30), st.integers(1, 12), st.integers(0, 2**32 - 1)
)
def test_the_correlation_of_a_tied_column_is_scipys(
    rows: int, truth_levels: int, levels: int, parts: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    truth = random.integers(0, truth_levels, rows).astype(float)
    prediction = random.integers(0, levels, rows) / levels
    column = Ranked.of(truth, prediction)
    tied = np.floor(prediction * parts) / parts
    if len(set(truth)) > 1 and len(set(tied)) > 1:
        assert column.raw == pytest.approx(spearmanr(truth, prediction).statistic, abs=1e-9)
        expected = spearmanr(truth, tied).statistic
    else:
        expected = 0.0
    assert column.tied(np.floor(column.value * parts) / parts) == pytest.approx(expected, abs=1e-9)


def test_rows_are_told_by_their_order_and_constants_are_seen() -> None:
    column = Ranked.of(np.array([0.0, 1.0, 0.5]), np.array([0.3, 0.1, 0.2]))
    assert column.value.tolist() == [0.1, 0.2, 0.3]
    assert column.target.tolist() == [1.0, 0.0, -1.0]
    assert column.raw == pytest.approx(-1.0)
    assert not column.is_constant
    assert Ranked.of(np.zeros(3), np.arange(3.0)).is_constant
    assert Ranked.of(np.arange(3.0), np.zeros(3)).is_constant


def test_quantiles_are_predictions() -> None:
    column = Ranked.of(np.arange(10.0), np.arange(10.0)[::-1])
    assert column.quantiles(np.array([0.0, 0.1, 0.11, 0.5, 1.0])).tolist() == [0.0, 1.0, 4.0, 9.0]
