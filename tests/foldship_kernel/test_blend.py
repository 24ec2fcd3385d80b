from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from foldship_kernel.blend import blend
from foldship_kernel.errors import FoldshipError

TABLES = st.dictionaries(
    st.sampled_from("abcd"), arrays(np.float64, (3, 2), elements=st.floats(0, 1)), min_size=1
)


@settings(deadline=None, max_examples=30)
@given(TABLES, st.lists(st.floats(0.01, 10), min_size=4, max_size=4))
def test_a_blend_lies_between_its_models_in_any_order(
    predictions: dict[str, np.ndarray], shares: list[float]
) -> None:
    weights = dict(zip("abcd", shares, strict=True))
    result = blend(predictions, weights)
    stack = np.stack(list(predictions.values()))
    assert (result >= stack.min(axis=0) - 1e-12).all()
    assert (result <= stack.max(axis=0) + 1e-12).all()
    turned = blend(dict(reversed(predictions.items())), dict(reversed(weights.items())))
    np.testing.assert_array_equal(turned, result)


def test_weights_of_missing_models_are_shared_out() -> None:
    a, b = np.array([[0.2]]), np.array([[0.8]])
    weights = {"a": 0.3, "b": 0.1, "lost": 0.6}
    np.testing.assert_allclose(blend({"a": a, "b": b}, weights), [[0.35]])
    np.testing.assert_array_equal(blend({"b": b}, weights), b)


def test_half_precision_is_summed_in_double() -> None:
    result = blend({"a": np.ones((1, 1), np.float16), "b": np.zeros((1, 1), np.float16)}, {"a": 1, "b": 2})
    assert result.dtype == np.float64
    assert result[0, 0] == pytest.approx(1 / 3, abs=1e-15)


@pytest.mark.parametrize(
    ("weights", "found"),
    [
        ({"a": 1.0}, "b: None"),
        ({"a": 1.0, "b": -0.5}, "b: -0.5"),
        ({"a": 1.0, "b": math.nan}, "b: nan"),
        ({"a": 0.0, "b": 0.0}, "a sum of 0"),
    ],
)
def test_bad_weights_are_named(weights: dict[str, float], found: str) -> None:
    with pytest.raises(FoldshipError, match=found):
        blend({"a": np.zeros((1, 1)), "b": np.zeros((1, 1))}, weights)


def test_no_model_and_different_shapes_are_refused() -> None:
    with pytest.raises(FoldshipError, match="no model"):
        blend({}, {"a": 1.0})
    with pytest.raises(FoldshipError, match=r"a \(1, 2\), b \(2, 2\)"):
        blend({"a": np.zeros((1, 2)), "b": np.zeros((2, 2))}, {"a": 1, "b": 1})
