from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldship import metrics
from foldship.selection import scoring, search, stacking

ROWS, COLUMNS = 120, 3
Method = Callable[[np.ndarray, np.ndarray, bool], np.ndarray]


def weighted(models: np.ndarray, truth: np.ndarray, shared: bool) -> np.ndarray:
    equal = np.full(models.shape[:2], 1 / len(models))
    starts = [equal, stacking.weights(models, truth, shared)]
    return search.improve(models, scoring.judge(truth), starts, shared)


def greedy(models: np.ndarray, truth: np.ndarray, shared: bool) -> np.ndarray:
    return search.greedy(models, scoring.judge(truth), shared)


def subsets(models: np.ndarray, truth: np.ndarray, shared: bool) -> np.ndarray:
    return search.subsets(models, scoring.judge(truth), shared, np.random.default_rng(0))


METHODS: dict[str, Method] = {
    "weighted": weighted,
    "greedy": greedy,
    "subsets": subsets,
    "stacking": stacking.weights,
}


def scene(seed: int, noise: list[float], rows: int = ROWS) -> tuple[np.ndarray, np.ndarray]:
    """Truth (n, C) of few levels, and models (M, C, n), each as noisy as is asked for."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, 4, (rows, COLUMNS)) / 3
    return truth, np.stack([(truth + level * random.normal(size=truth.shape)).T for level in noise])


def reached(models: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return metrics.spearman(truth, np.einsum("mc,mcn->nc", weights, models))


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("name", METHODS)
@settings(deadline=None, max_examples=6)
@given(seed=st.integers(0, 10**6), noise=st.lists(st.floats(0.1, 5), min_size=1, max_size=8))
def test_weights_are_shares(name: str, shared: bool, seed: int, noise: list[float]) -> None:
    truth, models = scene(seed, noise)
    models[0, 0] = 0.5  # a constant column
    weights = METHODS[name](models, truth, shared)
    assert weights.shape == (len(noise), COLUMNS)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=0), 1)
    if shared:
        assert (weights == weights[:, :1]).all()


@pytest.mark.parametrize("name", ["weighted", "greedy", "subsets"])
@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 10**6), noise=st.lists(st.floats(0.1, 5), min_size=2, max_size=5))
def test_a_search_never_ends_below_where_it_can_begin(name: str, seed: int, noise: list[float]) -> None:
    """Below the best single model (greedy, subsets), or below the plain mean (weighted, subsets)."""
    truth, models = scene(seed, noise)
    alone = np.array([metrics.spearman(truth, model.T) for model in models])
    mean = metrics.spearman(truth, models.mean(axis=0).T)
    shared = reached(models, truth, METHODS[name](models, truth, True)).mean()
    own = reached(models, truth, METHODS[name](models, truth, False))
    if name != "weighted":
        assert shared >= alone.mean(axis=1).max() - 1e-9
        assert (own >= alone.max(axis=0) - 1e-9).all()
    if name != "greedy":
        assert shared >= mean.mean() - 1e-9
        assert (own >= mean - 1e-9).all()


@pytest.mark.parametrize("name", METHODS)
def test_a_model_of_noise_gets_next_to_nothing(name: str) -> None:
    truth, models = scene(1, [0.5, 0.6], rows=2000)
    noise = np.random.default_rng(2).normal(size=(1, *models.shape[1:]))
    weights = METHODS[name](np.concatenate([models, noise]), truth, True)
    assert weights[2, 0] < 0.03
    assert weights[:2].min() > 0.2


@pytest.mark.parametrize("name", METHODS)
def test_two_copies_of_a_model_count_as_one(name: str) -> None:
    truth, models = scene(3, [0.8, 0.8], rows=2000)
    weights = METHODS[name](models[[0, 0, 1]], truth, True)[:, 0]
    twice = METHODS[name](models, truth, True)[:, 0]
    assert weights[:2].sum() == pytest.approx(twice[0], abs=0.12)
    assert reached(models[[0, 0, 1]], truth, np.repeat(weights[:, None], COLUMNS, axis=1)).mean() >= (
        metrics.spearman(truth, models[0].T).mean() + 0.02
    )


def test_columns_may_prefer_different_models() -> None:
    random = np.random.default_rng(4)
    truth = random.random((500, 2))
    noise = random.random((500, 2))
    models = np.stack([np.stack([truth[:, 0], noise[:, 1]]), np.stack([noise[:, 0], truth[:, 1]])])
    for method in METHODS.values():
        own = method(models, truth, False)
        assert own[0, 0] > 0.9 > 0.1 > own[1, 0]
        assert own[1, 1] > 0.9
        np.testing.assert_allclose(method(models, truth, True), 0.5, atol=0.15)


def test_any_metric_can_be_maximised() -> None:
    """The mean absolute error prefers the model that Spearman's correlation cannot tell from the other."""
    truth, models = scene(5, [0.3])
    models = np.concatenate([models, models + 1.0])

    def score(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        return -np.abs(truth - prediction).mean(axis=0)

    weights = search.improve(models, scoring.judge(truth, score), [np.full((2, COLUMNS), 0.5)], True)
    assert weights[0, 0] > 0.95


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 6))
def test_a_judge_scores_as_the_metric_does(seed: int, levels: int) -> None:
    random = np.random.default_rng(seed)
    truth, candidates = random.integers(0, 3, (40, 4)), random.integers(0, levels, (5, 4, 40))
    found = scoring.judge(truth.astype(float))(candidates.astype(float))
    expected = [np.nan_to_num(metrics.spearman(truth, one.T)) for one in candidates]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_bag_holds_whole_groups() -> None:
    groups = np.repeat(np.arange(7), [1, 3, 2, 1, 5, 2, 2])
    bag = search.half_of(groups, np.random.default_rng(0))
    assert len(np.unique(groups[bag])) == 4
    assert sorted(bag) == sorted(np.flatnonzero(np.isin(groups, groups[bag])))
