from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ConstantInputWarning, spearmanr

from foldship import metrics


@st.composite
def pairs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Two tables of few levels, so that ties and constant columns come up all the time; 0 levels: no ties."""
    rows, columns = draw(st.integers(2, 40)), draw(st.integers(1, 5))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def table(levels: int) -> np.ndarray:
        values = random.standard_normal((rows, columns))
        return np.abs(values * levels / 2).round() / levels if levels else values * 1e5

    return table(draw(st.integers(0, 5))), table(draw(st.integers(0, 5)))


@settings(deadline=None, max_examples=100)
@given(pairs())
def test_agrees_with_scipy_with_ties_and_constants(pair: tuple[np.ndarray, np.ndarray]) -> None:
    truth, prediction = pair
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantInputWarning)
        expected = [spearmanr(truth[:, c], prediction[:, c]).statistic for c in range(truth.shape[1])]
    np.testing.assert_allclose(metrics.column_spearman(truth, prediction), expected, atol=1e-12)


@settings(deadline=None, max_examples=50)
@given(pairs())
def test_only_the_order_counts(pair: tuple[np.ndarray, np.ndarray]) -> None:
    truth, prediction = pair
    # Doubling keeps order and ties exactly.
    np.testing.assert_array_equal(
        metrics.column_spearman(truth, 2 * prediction), metrics.column_spearman(truth, prediction)
    )
    np.testing.assert_array_equal(
        metrics.column_spearman(truth, -prediction), -metrics.column_spearman(truth, prediction)
    )


@settings(deadline=None, max_examples=50)
@given(pairs(), st.integers(0, 2**32 - 1))
def test_row_order_does_not_count(pair: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    truth, prediction = pair
    order = np.random.default_rng(seed).permutation(len(truth))
    np.testing.assert_allclose(
        metrics.column_spearman(truth[order], prediction[order]),
        metrics.column_spearman(truth, prediction),
        atol=1e-12,
    )


def test_nan_and_single_rows_score_nan() -> None:
    assert np.isnan(metrics.column_spearman([[0.0], [np.nan]], [[0.0], [1.0]])).all()
    assert np.isnan(metrics.column_spearman([[0.3, 0.4]], [[0.1, 0.2]])).all()
    assert np.isnan(metrics.column_spearman(np.zeros((0, 2)), np.zeros((0, 2)))).all()
    assert np.isnan(metrics.mean_spearman([[0.3]], [[0.1]]))
    assert np.isnan(metrics.mean_spearman([[0.0], [1.0]], [[0.0], [np.nan]]))


def test_mean_leaves_out_constant_truth_and_counts_constant_prediction_as_zero() -> None:
    truth = np.array([[0.0, 5.0, 0.0], [0.5, 5.0, 0.5], [1.0, 5.0, 1.0]])
    prediction = np.array([[1.0, 0.1, 7.0], [2.0, 0.2, 7.0], [3.0, 0.3, 7.0]])
    assert metrics.mean_spearman(truth, prediction) == pytest.approx(0.5)
    assert metrics.mean_spearman(truth, prediction, columns=[0, 1]) == pytest.approx(1.0)
    assert np.isnan(metrics.mean_spearman(truth, prediction, columns=[1]))


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match=r"\(2, 1\) and \(3, 1\)"):
        metrics.column_spearman(np.zeros((2, 1)), np.zeros((3, 1)))
