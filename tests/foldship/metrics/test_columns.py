"""Scores of columns agree with scipy and scikit-learn, on random and on hostile input."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import stats
from sklearn import metrics as sklearn

from foldship.metrics import OfColumns, columns

Column = NDArray[np.float64]
# Few levels: ties, constants and single classes come up all the time.
LEVELS = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])
SHARES = st.one_of(LEVELS, st.floats(0, 1, allow_subnormal=False))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Column, Column]:
    rows = draw(st.integers(1, 12))
    truth = draw(arrays(np.float64, rows, elements=draw(st.sampled_from([LEVELS, SHARES]))))
    return truth, draw(arrays(np.float64, rows, elements=draw(st.sampled_from([LEVELS, SHARES]))))


def score(name: str, truth: Column, prediction: Column) -> float:
    found = OfColumns(name)(truth[:, None], prediction[:, None])
    assert found.shape == (1,)
    return float(found[0])


def correlation(function: Callable[[Column, Column], tuple[float, float]]) -> Callable[..., float]:
    def reference(truth: Column, prediction: Column) -> float:
        if np.ptp(truth) == 0:
            return np.nan
        if np.ptp(prediction) == 0:
            return 0.0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # nearly constant input
            return float(function(truth, prediction)[0])

    return reference


def classified(function: Callable[..., float]) -> Callable[..., float]:
    return lambda truth, prediction: float(function(truth > 0.5, prediction > 0.5))


def where_positive(function: Callable[..., float], *, both: bool) -> Callable[..., float]:
    def reference(truth: Column, prediction: Column) -> float:
        positive = truth > 0.5
        told = positive.any() and not (both and positive.all())
        return float(function(positive, prediction)) if told else np.nan

    return reference


def log_loss(truth: Column, prediction: Column) -> float:
    """Scikit-learn takes hard labels: each soft one is two of them, with weights."""
    clipped = np.clip(prediction, 1e-15, 1 - 1e-15)
    labels = np.repeat([1, 0], len(truth))
    both = np.concatenate([truth, 1 - truth])
    return -float(sklearn.log_loss(labels, np.tile(clipped, 2), sample_weight=both, labels=[0, 1]))


REFERENCES: dict[str, Callable[[Column, Column], float]] = {
    "spearman": correlation(stats.spearmanr),
    "pearson": correlation(stats.pearsonr),
    "rmse": lambda truth, prediction: -float(sklearn.root_mean_squared_error(truth, prediction)),
    "mae": lambda truth, prediction: -float(sklearn.mean_absolute_error(truth, prediction)),
    "log_loss": log_loss,
    "auc": where_positive(sklearn.roc_auc_score, both=True),
    "average_precision": where_positive(sklearn.average_precision_score, both=False),
    "f1": classified(lambda truth, found: sklearn.f1_score(truth, found, zero_division=0)),
    "accuracy": classified(sklearn.accuracy_score),
}


@pytest.mark.parametrize("name", REFERENCES)
@given(pair=pairs())
def test_it_agrees_with_the_library(name: str, pair: tuple[Column, Column]) -> None:
    expected = REFERENCES[name](*pair)
    # Correlations of columns that hardly vary lose digits, here and there.
    tolerance = 1e-6 if name in ("pearson", "spearman") else 1e-9
    assert score(name, *pair) == pytest.approx(expected, abs=tolerance, nan_ok=True)


@given(pair=pairs(), levels=st.integers(1, 5))
def test_kappa_agrees_with_the_library(pair: tuple[Column, Column], levels: int) -> None:
    truth, prediction = (levels * values for values in pair)
    rounded = [np.floor(values + 0.5).astype(int) for values in (truth, prediction)]
    if len(set(rounded[0]) | set(rounded[1])) < 2:
        assert np.isnan(score("qwk", truth, prediction))
        return
    expected = sklearn.cohen_kappa_score(*rounded, weights="quadratic", labels=range(levels + 1))
    assert score("qwk", truth, prediction) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("name", columns.NAMES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_has_no_score(name: str, bad: float) -> None:
    if name == "spearman" and np.isinf(bad):
        pytest.skip("infinity has a rank")
    truth, prediction = np.array([0.0, 1.0, 0.5, 1.0]), np.array([0.1, 0.9, 0.4, bad])
    assert np.isnan(score(name, truth, prediction))


@pytest.mark.parametrize("name", columns.NAMES)
def test_no_rows_have_no_score(name: str) -> None:
    assert np.isnan(score(name, np.zeros(0), np.zeros(0)))


@pytest.mark.parametrize("name", columns.NAMES)
def test_columns_do_not_know_of_each_other(name: str) -> None:
    random = np.random.default_rng(0)
    truth, prediction = random.random((30, 4)).round(1), random.random((30, 4))
    prediction[3, 1] = np.nan
    together = OfColumns(name)(truth, prediction)
    alone = [score(name, *pair) for pair in zip(truth.T, prediction.T, strict=True)]
    np.testing.assert_allclose(together, alone, rtol=1e-12)


@pytest.mark.parametrize("name", columns.NAMES)
def test_a_perfect_prediction_has_the_best_score(name: str) -> None:
    truth = np.array([0.0, 1.0, 0.0, 1.0, 1.0])
    assert score(name, truth, truth) == pytest.approx(0 if name in ("rmse", "mae", "log_loss") else 1)


def test_pearson_of_very_large_and_small_numbers() -> None:
    truth, prediction = np.array([1.0, 2.0, 4.0]), np.array([2.0, 3.0, 5.5])
    expected = stats.pearsonr(truth, prediction)[0]
    for factor in (1e-200, 1e200):
        assert score("pearson", factor * truth, prediction) == pytest.approx(expected)
