from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldship.metrics import column_spearman
from foldship.selection import clipping
from foldship.selection.ranks import Ranked


def spearman(truth: np.ndarray, prediction: np.ndarray) -> float:
    return float(column_spearman(truth[:, None], prediction[:, None])[0])


@settings(deadline=None, max_examples=15)
@given(st.integers(2, 60), st.integers(1, 6), st.integers(0, 40), st.integers(0, 2**32 - 1))
def test_every_score_of_the_surface_is_that_of_the_clipped_column(
    rows: int, truth_levels: int, levels: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    truth = random.integers(0, truth_levels, rows) / truth_levels
    prediction = random.integers(0, levels, rows) / levels if levels else random.random(rows)
    column = Ranked.of(truth, prediction)
    lows, highs, scores = clipping.surface(column, *clipping.bounds(column, truth))
    for row, low in enumerate(lows):
        for place, high in enumerate(highs):
            expected = spearman(truth, np.clip(prediction, low, high)) if low < high else np.nan
            found = scores[row, place]
            assert found == pytest.approx(expected, abs=1e-9) if np.isfinite(expected) else found == -np.inf


def test_rows_ranked_at_random_at_the_low_end_are_tied() -> None:
    random = np.random.default_rng(0)
    truth = np.r_[np.zeros(800), np.linspace(0.1, 1, 200)]
    prediction = np.r_[random.uniform(0.0, 0.3, 800), np.linspace(0.3, 0.9, 200)]
    step = clipping.fit(truth, prediction)
    assert step is not None
    assert step["kind"] == "clip"
    assert 0.27 < step["low"] < 0.4  # a smooth curve rounds the corner off
    assert step["high"] is None or step["high"] > 0.6
    assert (
        spearman(truth, np.clip(prediction, step["low"], step["high"])) > spearman(truth, prediction) + 0.05
    )


def test_a_rare_level_is_sought_further_out_than_a_common_one() -> None:
    assert clipping.reach(0.5).max() < clipping.reach(0.01).max() < clipping.reach(0.002).max() < 1
    for other in (0.002, 0.01):
        assert 1 - clipping.reach(other).max() >= clipping.APART * other


def test_a_level_of_a_few_rows_in_a_thousand_is_left_apart() -> None:
    random = np.random.default_rng(0)
    truth = np.where(np.arange(4000) < 10, 1.0, 0.0)
    prediction = random.uniform(0.0, 0.1, 4000) + 0.09 * truth
    step = clipping.fit(truth, prediction)
    assert step is not None
    assert 10 <= (prediction > step["low"]).sum() < 100


def test_another_metric_is_searched_for_its_own_bounds() -> None:
    truth = np.r_[np.zeros(90), np.ones(10)]
    prediction = np.r_[np.linspace(-1, 0, 90), np.ones(10)]

    def closeness(one: np.ndarray, other: np.ndarray) -> float:
        return -float(np.abs(one - other).mean())

    step = clipping.fit(truth, prediction, closeness)
    assert step is not None
    assert step["low"] == pytest.approx(0.0, abs=0.02)


def test_row_order_does_not_count() -> None:
    random = np.random.default_rng(1)
    truth, prediction = random.integers(0, 3, 200) / 2, random.integers(0, 30, 200) / 30
    order = random.permutation(200)
    assert clipping.fit(truth, prediction) == clipping.fit(truth[order], prediction[order])


@pytest.mark.parametrize(
    ("truth", "prediction"),
    [
        ([], []),
        ([0.5], [0.1]),
        ([0.5, 0.5], [0.1, 0.2]),
        ([0.0, 1.0], [0.4, 0.4]),
        ([0, 0.5, 1], [0.1, 0.2, 0.3]),
    ],
)
def test_nothing_to_gain_gives_no_step(truth: list[float], prediction: list[float]) -> None:
    assert clipping.fit(np.array(truth, dtype=float), np.array(prediction)) is None
