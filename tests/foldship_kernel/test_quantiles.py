from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr

from foldship_kernel import quantiles
from foldship_kernel.blend import Blend, blend, choose

LEVELS = np.linspace(0, 1, 11)


@settings(deadline=None, max_examples=50)
@given(arrays(np.float64, (30, 2), elements=st.floats(0, 1, width=32)))
def test_quantiles_keep_the_order_and_lie_between_0_and_1(table: np.ndarray) -> None:
    grid = np.quantile(table, LEVELS, axis=0).T
    shares = quantiles.of(table, grid)
    assert ((shares >= 0) & (shares <= 1)).all()
    for column in range(2):
        order = np.argsort(table[:, column])
        assert (np.diff(shares[order, column]) >= 0).all()
    back = quantiles.values(shares, grid)
    assert (back >= table.min(axis=0) - 1e-12).all()
    assert (back <= table.max(axis=0) + 1e-12).all()


def test_equal_values_have_the_mean_of_their_quantiles() -> None:
    grid = np.array([[0.0, 0.0, 0.0, 0.0, 1.0]])
    assert quantiles.of(np.array([[0.0], [1.0], [7.0], [-7.0]]), grid)[:, 0].tolist() == [0.375, 1, 1, 0.375]
    constant = np.full((1, 5), 0.3)
    assert set(quantiles.of(np.array([[0.1], [0.3], [0.9]]), constant)[:, 0]) == {0.5}


def test_a_row_alone_becomes_what_it_becomes_among_others() -> None:
    random = np.random.default_rng(0)
    tables = {"a": random.random((50, 3)), "b": random.random((50, 3)) ** 3}
    grids = {name: np.quantile(table, LEVELS, axis=0).T for name, table in tables.items()}
    weights = {"a": np.array([0.2, 0.5, 1.0]), "b": np.array([0.8, 0.5, 0.0])}
    together = blend(tables, weights, grids)
    alone = blend({name: table[7:8] for name, table in tables.items()}, weights, grids)
    np.testing.assert_array_equal(alone[0], together[7])


def test_models_that_spread_differently_count_alike() -> None:
    """A monotone change of one model's predictions changes no rank of the blend."""
    random = np.random.default_rng(1)
    a, b = random.random((2, 400, 1))
    levels = np.linspace(0, 1, 400)

    def blended(second: np.ndarray) -> np.ndarray:
        tables = {"a": a, "b": second}
        grids = {name: np.quantile(table, levels, axis=0).T for name, table in tables.items()}
        return blend(tables, {"a": 0.5, "b": 0.5}, grids)

    same = spearmanr(blended(b)[:, 0], blended(0.01 * b**5)[:, 0]).statistic
    assert same > 0.99999  # sums of two quantiles tie, and rounding breaks the ties
    assert spearmanr(blended(b)[:, 0], (a + 0.01 * b**5)[:, 0]).statistic < 0.8
    assert np.abs(blended(b) - (a + b) / 2).max() < 0.1  # on the predictions' scale


@pytest.mark.parametrize(
    "value", [[[0.0, 1.0]], [[0.0], [1.0]], [[0.0, 1.0], [1.0, 0.0]], [[0.0, np.nan]] * 2]
)
def test_a_damaged_grid_is_refused(value: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="quantile grid"):
        quantiles.checked(value, 2)


RECORD = {
    "models": ["a", "b"],
    "weights": {"a": [0.2, 1.0], "b": [0.8, 0.0]},
    "postprocess": [],
    "score": 0.4,
}


def test_weights_may_differ_by_target() -> None:
    read = Blend.from_dict(RECORD, {}, 2)
    result = blend({"a": np.ones((1, 2)), "b": np.zeros((1, 2))}, read.weights)
    np.testing.assert_allclose(result, [[0.2, 1.0]])


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"a": [0.2, 1.0], "b": [0.8, 0.1]}, "do not sum to 1"),
        ({"a": 0.5, "b": 0.4}, "do not sum to 1"),
        ({"a": [1.2, 1.0], "b": [-0.2, 0.0]}, "a weight of"),
        ({"a": float("nan"), "b": 1.0}, "a weight of nan"),
        ({"a": [1.0], "b": [0.0]}, "1 weights of a model for 2 targets"),
    ],
)
def test_weights_that_are_no_shares_are_refused(weights: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Blend.from_dict({**RECORD, "weights": weights}, {}, 2)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(KeyError, match="b"):
        Blend.from_dict({**RECORD, "weights": {"a": 1.0}}, {}, 2)
    with pytest.raises(KeyError, match="a"):
        Blend.from_dict({**RECORD, "ranks": True}, {}, 2)


def test_a_missing_models_share_is_shared_out_target_by_target() -> None:
    weights = {"a": np.array([0.5, 0.0]), "b": np.array([0.25, 0.0]), "c": np.array([0.25, 1.0])}
    whole = Blend(("a", "b", "c"), weights, (), 0.4)
    left = choose([whole], {"a", "b"})
    np.testing.assert_allclose(left.weights["a"], [2 / 3, 0.5])  # neither has a share in the second target
    np.testing.assert_allclose(left.weights["b"], [1 / 3, 0.5])
    assert left.score is None
    idle = choose([Blend(("a", "b", "c"), {"a": 0.0, "b": 0.0, "c": 1.0}, (), 0.4)], {"a", "b"})
    assert idle.weights == {"a": 0.5, "b": 0.5}
