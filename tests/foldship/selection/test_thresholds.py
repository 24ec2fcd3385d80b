from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from foldship.selection import thresholds
from foldship.selection.ranks import Ranked
from foldship_kernel import postprocess


def best_of_all(truth: np.ndarray, prediction: np.ndarray) -> float:
    """The highest correlation of any tying, by trying every partition of the sorted rows."""
    order = np.argsort(prediction, kind="stable")
    new_value = np.diff(prediction[order], prepend=-np.inf) > 0
    free = np.flatnonzero(new_value)[1:]
    best = 0.0
    for pattern in itertools.product((False, True), repeat=len(free)):
        starts = np.zeros(len(truth), dtype=bool)
        starts[free[list(pattern)]] = True
        group = np.cumsum(starts)
        if group[-1]:
            best = max(best, float(spearmanr(truth[order], group).statistic))
    return best


@settings(deadline=None, max_examples=150)
@given(st.integers(3, 9), st.integers(2, 4), st.booleans(), st.integers(0, 2**32 - 1))
def test_no_tying_correlates_better(rows: int, levels: int, ties: bool, seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = random.integers(0, levels, rows).astype(float)
    prediction = (random.integers(0, 6, rows) / 6 if ties else random.random(rows)) + truth / 4
    column = Ranked.of(truth, prediction)
    if column.is_constant or column.raw <= 0:
        return
    edges = thresholds.candidates(column, np.arange(1, rows + 1) / rows)
    groups = thresholds.best(column, edges)
    tied = column.value.copy()
    for start, end in groups:
        tied[start:end] = tied[start]
    assert column.tied(tied) == pytest.approx(best_of_all(truth, prediction), abs=1e-9)


def test_the_step_ties_what_the_curve_calls_for_and_keeps_the_order() -> None:
    random = np.random.default_rng(0)
    truth = np.r_[np.zeros(800), np.linspace(0.1, 1, 200)]
    prediction = np.r_[random.uniform(0.0, 0.3, 800), np.linspace(0.3, 0.9, 200)]
    step = thresholds.fit(truth, prediction)
    assert step is not None
    processed, note = postprocess.apply_column(prediction, step)
    assert note == ""
    assert spearmanr(truth, processed).statistic > spearmanr(truth, prediction).statistic + 0.05
    assert (np.diff(processed[np.argsort(prediction)]) >= 0).all()


def test_nothing_to_gain_gives_no_step() -> None:
    assert thresholds.fit(np.zeros(5), np.arange(5.0)) is None
    assert thresholds.fit(np.arange(5.0), np.zeros(5)) is None
    assert thresholds.fit(np.arange(50.0), np.arange(50.0)) is None
    assert thresholds.fit(np.arange(50.0), -np.arange(50.0)) is None


def test_for_another_metric_cuts_between_levels_are_moved() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 600) / 2
    prediction = 0.3 + 0.2 * truth + random.normal(0, 0.02, 600)

    def agreement(one: np.ndarray, other: np.ndarray) -> float:
        return float(np.mean(one == other))

    step = thresholds.fit(truth, prediction, agreement)
    assert step is not None
    processed, _ = postprocess.apply_column(prediction, step)
    assert agreement(truth, processed) > 0.95
