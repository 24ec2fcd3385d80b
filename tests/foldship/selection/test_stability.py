from __future__ import annotations

import numpy as np
import pytest

from foldship.selection.stability import Resamples

FOLDS = np.arange(600) % 3


def resamples(groups: np.ndarray | None = None, rows: int = 100) -> Resamples:
    return Resamples(FOLDS, np.arange(600) if groups is None else groups, count=90, rows=rows)


def test_a_step_that_always_helps_counts_one_and_one_that_always_harms_none() -> None:
    random = np.random.default_rng(0)
    truth = np.repeat([0.0, 1.0], 100)
    noise, signal = random.random(200), truth + random.random(200)
    assert resamples().outcomes(1, truth, noise, signal).tolist() == [1.0] * 30
    assert resamples().outcomes(1, truth, signal, noise).tolist() == [0.0] * 30
    assert resamples().outcomes(1, truth, signal, signal).tolist() == [0.5] * 30


def test_samples_in_which_the_truth_is_constant_do_not_count() -> None:
    truth = np.zeros(200)
    assert resamples().outcomes(0, truth, np.arange(200.0), np.arange(200.0)[::-1]).size == 0
    truth[7] = 1.0
    found = resamples().outcomes(0, truth, np.arange(200.0), np.arange(200.0)[::-1])
    assert 0 < found.size < 30


def test_what_the_guard_would_hold_back_changes_nothing() -> None:
    truth = np.repeat([0.0, 1.0], 100)
    constant = np.where(np.arange(200) == 0, 0.0, 1.0)
    drawn = resamples(rows=500).outcomes(0, truth, np.arange(200.0), constant)
    assert 0.5 in drawn


def test_one_row_of_a_group_stands_for_it() -> None:
    groups = np.where(np.arange(600) < 300, 0, np.arange(600))  # a hundred rows of each fold are one question
    truth = np.r_[np.zeros(100), np.ones(100)]
    shares: list[float] = []

    def share_of_the_large_group(first: np.ndarray, _: np.ndarray) -> float:
        shares.append(float(np.mean(first == 0)))
        return 0.0

    resamples(groups).outcomes(0, truth, truth, truth, share_of_the_large_group)
    assert np.mean(shares) == pytest.approx(1 / 101, abs=0.01)


def test_the_same_seed_draws_the_same_samples() -> None:
    random = np.random.default_rng(1)
    truth, one, two = random.integers(0, 3, 200) / 2, random.random(200), random.random(200)
    first = resamples().outcomes(2, truth, one, two)
    assert first.tolist() == resamples().outcomes(2, truth, one, two).tolist()
    assert 0 < first.mean() < 1
