from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from declared import quest

from foldship import metrics
from foldship.scheduling.expectation import Expectation, agreements, composite, variance_of_mean


def pearson(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return metrics.correlate(first - first.mean(axis=0), second - second.mean(axis=0))


def noisy(seed: int, folds: int, rows: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """A truth (n, 2), and folds (folds, n, 2) that share part of their error."""
    random = np.random.default_rng(seed)
    truth = random.normal(size=(rows, 2))
    shared = random.normal(size=(rows, 2))
    return truth, truth + shared + random.normal(size=(folds, rows, 2))


def test_the_formula_is_exact_for_pearsons_correlation() -> None:
    truth, variables = noisy(0, 3)
    standardised = (variables - variables.mean(axis=1, keepdims=True)) / variables.std(axis=1, keepdims=True)
    shares = np.array([0.5, 0.3, 0.2])
    to_truth = np.stack([pearson(truth, variable) for variable in standardised])
    between = np.einsum("unc,vnc->cuv", standardised, standardised) / len(truth)
    measured = pearson(truth, np.tensordot(shares, standardised, axes=1))
    np.testing.assert_allclose(composite(shares, to_truth, between), measured)


def test_several_folds_of_one_model_follow_spearman_and_brown() -> None:
    truth, agreement, count = np.array([[0.4, 0.3]]), np.array([0.8, 0.5]), 5
    found = composite(np.ones(1), truth, variance_of_mean(count, agreement).reshape(2, 1, 1))
    spearman_brown = truth[0] * np.sqrt(count / (1 + (count - 1) * agreement))
    np.testing.assert_allclose(found, spearman_brown)


def test_the_agreement_of_folds_tells_what_averaging_them_gains() -> None:
    """Of eight folds one is scored; what all eight score is foretold without a further label."""
    truth, folds = noisy(1, 8)
    one = metrics.column_spearman(truth, folds[0])
    between = agreements([folds])
    expected = composite(np.ones(1), one[None], variance_of_mean(8, between))
    measured = metrics.column_spearman(truth, folds.mean(axis=0))
    assert (measured > one + 0.08).all()
    np.testing.assert_allclose(expected, measured, atol=0.015)


def test_agreements_are_means_over_pairs_of_different_folds() -> None:
    _, first = noisy(2, 3, rows=50)
    _, second = noisy(3, 1, rows=50)
    between = agreements([first, second])
    pairs = [pearson(a, b) for a, b in itertools.combinations(first, 2)]
    np.testing.assert_allclose(between[:, 0, 0], np.mean(pairs, axis=0))
    across = [pearson(a, second[0]) for a in first]
    np.testing.assert_allclose(between[:, 0, 1], np.mean(across, axis=0))
    np.testing.assert_array_equal(between[:, 1, 0], between[:, 0, 1])
    np.testing.assert_array_equal(between[:, 1, 1], 1)


def test_correlations_that_do_not_fit_together_promise_no_more_than_1() -> None:
    at_odds = np.array([[[1.0, -0.9], [-0.9, 1.0]]])
    assert composite(np.array([0.5, 0.5]), np.array([[0.8], [0.8]]), at_odds).tolist() == [1.0]


def test_a_constant_column_agrees_with_nothing_and_breaks_nothing() -> None:
    _, folds = noisy(4, 2, rows=20)
    folds[0, :, 1] = 0.5
    assert agreements([folds])[1, 0, 0] == 0
    assert composite(np.zeros(1), np.ones((1, 2)), np.ones((2, 1, 1))).tolist() == [0, 0]


BLENDS = {
    frozenset("a"): {"weights": {"a": 1.0}, "score": 0.40},
    frozenset("b"): {"weights": {"b": 1.0}, "score": 0.35},
    frozenset("ab"): {"weights": {"a": 0.5, "b": 0.5}, "score": 0.43},
}
CORRELATIONS = np.array([[0.3, 0.5], [0.2, 0.4]])


def test_one_fold_of_each_model_scores_what_was_measured() -> None:
    between = np.full((2, 2, 2), 0.8)
    for expected in (
        Expectation(("a", "b"), BLENDS.__getitem__, CORRELATIONS, between),
        Expectation(("a", "b"), BLENDS.__getitem__, CORRELATIONS, None),
    ):
        assert expected({"a": 1, "b": 0}) == pytest.approx(0.40)
        assert expected({"b": 1}) == pytest.approx(0.35)
        assert expected({"a": 1, "b": 1}) == pytest.approx(0.43)


def test_more_folds_add_what_their_disagreement_promises() -> None:
    between = np.full((2, 2, 2), 0.8)
    expected = Expectation(("a", "b"), BLENDS.__getitem__, CORRELATIONS, between)
    gain = 0.4 * (np.sqrt(2 / (1 + 0.8)) - 1)
    assert expected({"a": 2, "b": 0}) == pytest.approx(0.40 + gain)
    assert 0.43 < expected({"a": 2, "b": 1}) < expected({"a": 2, "b": 2})
    assert between[0, 0, 0] == 0.8  # left as it was
    unknown = Expectation(("a", "b"), BLENDS.__getitem__, CORRELATIONS, None)
    assert unknown({"a": 5, "b": 2}) == pytest.approx(0.43)


@pytest.mark.real_data
def test_the_formula_foretells_blends_of_real_models(real_data: Path) -> None:
    """All blends of two to five real models: the mean over 30 columns is foretold to within 0.003."""
    tables = [pd.read_csv(path) for path in sorted((real_data / "quest_oof").glob("*.csv"))]
    assert len(tables) == 5
    truth = (
        pd.read_csv(real_data / "quest" / "train.csv")
        .set_index("qa_id")
        .loc[tables[0]["qa_id"], quest.targets]
    )
    models = np.stack([table.set_index("qa_id").loc[tables[0]["qa_id"], quest.targets] for table in tables])
    alone = np.stack([metrics.column_spearman(truth, model) for model in models])
    between = agreements([model[None] for model in models])
    errors = []
    for size in range(2, 6):
        for chosen in map(list, itertools.combinations(range(5), size)):
            part = between[:, chosen][:, :, chosen]
            expected = composite(np.full(size, 1 / size), alone[chosen], part)
            measured = metrics.column_spearman(truth, models[chosen].mean(axis=0))
            errors.append(expected.mean() - measured.mean())
    assert 0 < min(errors) <= max(errors) < 0.003  # a little too hopeful
