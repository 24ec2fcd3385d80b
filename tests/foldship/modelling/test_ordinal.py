from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from foldship.config.network import Head
from foldship.modelling import heads
from foldship.modelling.heads import Inputs
from foldship.modelling.ordinal import Grid, OrdinalDecode

LABELS = np.array([[0.0, 1 / 3], [0.5, 1 / 3], [1.0, 5 / 6], [0.5, 1.0]], dtype=np.float32)

columns = st.lists(st.sampled_from([n / 12 for n in range(13)]), min_size=1, max_size=60)


def table(column: list[float]) -> np.ndarray:
    return np.array(column, dtype=np.float32)[:, None]


def test_every_level_but_the_largest_is_a_threshold() -> None:
    grid = Grid.fit(LABELS, 8)
    np.testing.assert_allclose(grid.thresholds[0], [0.25, 0.75])
    np.testing.assert_allclose(grid.values[1], [1 / 3, 5 / 6, 1.0], rtol=1e-6)
    assert grid.owners.tolist() == [0, 0, 1, 1]
    np.testing.assert_array_equal(
        grid.encode(LABELS), [[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 0], [1, 0, 1, 1]]
    )


def test_labels_written_with_fewer_digits_stay_on_their_level() -> None:
    grid = Grid.fit(LABELS, 8)
    np.testing.assert_array_equal(grid.encode(LABELS.round(4).astype(np.float64)), grid.encode(LABELS))


@settings(deadline=None, max_examples=50)
@given(columns, st.integers(1, 8))
def test_there_are_never_more_thresholds_than_asked_for_nor_fewer_than_needed(
    column: list[float], most: int
) -> None:
    grid = Grid.fit(table(column), most)
    assert len(grid.thresholds[0]) == max(1, min(most, len(set(column)) - 1))
    assert list(grid.thresholds[0]) == sorted(grid.thresholds[0])
    assert list(grid.values[0]) == sorted(grid.values[0])


def test_levels_with_few_rows_are_joined_first() -> None:
    column = [0.0] * 50 + [0.25] + [0.5] + [0.75] * 40 + [1.0] * 30
    grid = Grid.fit(table(column), 3)
    np.testing.assert_allclose(grid.thresholds[0], [0.125, 0.625, 0.875])
    np.testing.assert_allclose(grid.values[0], [0.0, 0.375, 0.75, 1.0])


@settings(deadline=None, max_examples=50)
@given(columns)
def test_on_the_grid_an_expected_target_is_the_binary_one(column: list[float]) -> None:
    labels = table(column)
    grid = Grid.fit(labels, 20)
    np.testing.assert_allclose(grid.encode_expected(labels), grid.encode(labels), atol=1e-5)


@settings(deadline=None, max_examples=50)
@given(columns, st.integers(1, 8), st.floats(0, 1))
def test_the_mixture_of_an_expected_target_has_just_that_mean(
    column: list[float], most: int, share: float
) -> None:
    grid = Grid.fit(table(column), most)
    low, high = grid.values[0][0], grid.values[0][-1]
    target = np.array([[low + share * (high - low)]])
    found = grid.unscale(grid.encode_expected(target) @ grid.shares.T)
    np.testing.assert_allclose(found, target, atol=1e-5)


def test_a_column_of_one_value_can_be_learnt_and_decoded() -> None:
    labels = np.full((3, 1), 0.25, dtype=np.float32)
    grid = Grid.fit(labels, 8)
    np.testing.assert_array_equal(grid.encode(labels), 0)
    assert torch.isfinite(OrdinalDecode(grid)(torch.zeros(2, 1))).all()


def test_the_card_holds_the_grid_exactly() -> None:
    grid = Grid.fit(LABELS, 8)
    assert Grid.from_dict(json.loads(json.dumps(asdict(grid)))) == grid


def test_the_decoded_logit_is_that_of_the_expected_value() -> None:
    grid = Grid.fit(LABELS, 8)
    logits = np.random.default_rng(0).normal(size=(6, 4)) * 3
    decoded = OrdinalDecode(grid)(torch.from_numpy(logits).float())
    chance = expit(logits)
    expected = np.empty((6, 2))
    for column in range(2):  # v0 + sum of gaps * P(t > v), as a share of the range
        values = np.array(grid.values[column])
        mean = values[0] + chance[:, grid.owners == column] @ np.diff(values)
        expected[:, column] = (mean - values[0]) / (values[-1] - values[0])
    np.testing.assert_allclose(expit(decoded.numpy()), expected, atol=1e-6)
    np.testing.assert_allclose(grid.unscale(expected)[:, 1], 1 / 3 + expected[:, 1] * 2 / 3, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_decoded_logits_are_finite_and_keep_the_order_of_rare_chances(dtype: torch.dtype) -> None:
    decode = OrdinalDecode(Grid.fit(LABELS, 8)).eval()
    sizes = torch.tensor([-300.0, -14.0, -13.0, -12.0, 12.0, 13.0, 14.0, 300.0], dtype=dtype)
    outputs = sizes[:, None].expand(-1, 4).clone().requires_grad_()
    logits = decode(outputs)
    assert torch.isfinite(logits).all()
    assert (logits.diff(dim=0) > 0).all()
    logits.sum().backward()
    assert outputs.grad is not None
    assert torch.isfinite(outputs.grad).all()


def test_the_smallest_number_is_above_zero_in_half_precision() -> None:
    from foldship.modelling.ordinal import SMALLEST

    assert np.float16(SMALLEST) > 0


def test_autocast_does_not_touch_the_decoding() -> None:
    decode = OrdinalDecode(Grid.fit(LABELS, 8))
    outputs = torch.randn(5, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = decode(outputs)
    assert torch.equal(inside, decode(outputs))


def test_equal_targets_stay_equal_when_they_are_decoded() -> None:
    random = np.random.default_rng(1)
    labels = random.choice([n / 7 for n in range(8)], size=(300, 5)).astype(np.float32)
    grid = Grid.fit(labels, 20)
    found = OrdinalDecode(grid).expected(torch.from_numpy(grid.encode(labels))).numpy()
    for column in range(5):
        assert len(np.unique(found[:, column])) == 8


def test_a_head_gives_thresholds_to_the_loss_and_targets_to_everyone_else() -> None:
    grid = Grid.fit(LABELS, 8)
    outputs_of = [str(owner) for owner in grid.owners]
    head = heads.build(Inputs(1, 3, 1), outputs_of, Head(hidden=0, dropout=0.0), OrdinalDecode(grid))
    pooled, features = torch.randn(5, 3), torch.randn(5, 1)
    outputs = head.train()(pooled, features)
    assert outputs.shape == (5, 4)
    torch.testing.assert_close(head.eval()(pooled, features), OrdinalDecode(grid)(outputs))
    assert not [name for name in head.state_dict() if name.startswith("decode")]
