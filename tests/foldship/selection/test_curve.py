from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldship.selection import curve
from foldship.selection.ranks import Ranked
from foldship_kernel import postprocess


@settings(deadline=None, max_examples=50)
@given(
    st.integers(2, 200), st.integers(2, 5), st.integers(1, 20), st.integers(1, 4), st.integers(0, 2**32 - 1)
)
def test_equal_predictions_are_expected_to_be_equal(
    rows: int, truth_levels: int, levels: int, degree: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    column = Ranked.of(
        random.integers(0, truth_levels, rows).astype(float), random.integers(0, levels, rows).astype(float)
    )
    if column.is_constant:
        return
    found = curve.expected(column, degree)
    assert found.shape == (rows,)
    assert ((found >= 0) & (found <= 1)).all()
    for value in np.unique(column.value):
        assert np.ptp(found[column.value == value]) == 0


@pytest.mark.parametrize("positives", [5, 200, 1000])
def test_the_curve_is_near_the_share_it_was_drawn_from(positives: int) -> None:
    random = np.random.default_rng(0)
    truth = np.where(np.arange(20_000) < positives, 1.0, 0.0)
    prediction = random.normal(0, 1, 20_000) + 2 * truth
    column = Ranked.of(truth, prediction)
    found = curve.expected(column, 3)
    assert found.mean() == pytest.approx(positives / 20_000, rel=0.01)
    upper = found[-2000:].mean()
    assert upper == pytest.approx(truth[column.order][-2000:].mean(), rel=0.15)


def test_the_likelihood_is_at_its_peak_where_plain_newton_steps_swing() -> None:
    random = np.random.default_rng(3)
    truth = np.where(random.random(4000) < 0.1, random.integers(1, 4, 4000) / 3, 0.0)
    prediction = np.clip(0.02 + truth + random.normal(0, 0.2, 4000), 0.001, None)
    column = Ranked.of(truth, prediction)
    found = curve.expected(column, 3)
    bins = np.array_split(np.arange(4000), 20)
    target = (column.target - column.target.min()) / np.ptp(column.target)
    assert max(abs(found[rows].mean() - target[rows].mean()) for rows in bins) < 0.05


def test_as_a_step_it_may_turn() -> None:
    prediction = np.linspace(0, 1, 1001)
    truth = 1 - np.abs(prediction - 0.5)
    step = curve.fit(truth, prediction)
    assert step is not None
    processed, _ = postprocess.apply_column(prediction, step)
    assert np.corrcoef(truth, processed)[0, 1] > 0.9
    assert abs(np.corrcoef(truth, prediction)[0, 1]) < 0.1
    assert curve.fit(np.zeros(4), np.arange(4.0)) is None
