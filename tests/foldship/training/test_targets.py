from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from declared import quest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from model_settings import config
from scipy.stats import rankdata

from foldship.modelling.ordinal import Grid
from foldship.training import targets
from foldship_kernel.errors import FoldshipError
from foldship_kernel.tasks import CLASSES

NONE = np.array([], dtype=np.int64)
LEVELS = [0.0, 0.25, 0.5, 1.0]

labels_of_two = arrays.arrays(
    np.float32, st.tuples(st.integers(1, 30), st.just(2)), elements=st.sampled_from(LEVELS)
)


def learn(
    labels: np.ndarray, groups: list[int] | None = None, shared: np.ndarray = NONE, **settings: Any
) -> tuple[np.ndarray, targets.Scale]:
    model = config(**settings)
    task: Any = quest
    grid = targets.fit_grid(model, labels, task)
    numbers = np.arange(len(labels)) if groups is None else np.array(groups)
    return targets.learnt(labels, numbers, model, grid, shared)


def test_plain_targets_are_the_labels() -> None:
    labels = np.array([[0.0, 0.5], [1.0, 0.25]], dtype=np.float32)
    assert np.array_equal(learn(labels)[0], labels)


def test_rank_targets_span_zero_to_one_and_keep_ties() -> None:
    labels = np.array([[0.0, 0.5], [0.0, 0.5], [1.0, 0.5], [0.5, 0.5]], dtype=np.float32)
    learnt, _ = learn(labels, targets="rank")
    np.testing.assert_allclose(learnt[:, 0], [0.0, 0.0, 1.0, 0.6], atol=1e-6)
    np.testing.assert_array_equal(learnt[:, 1], 0.0)


def test_ordinal_targets_are_binary() -> None:
    labels = np.array([[0.0], [0.5], [1.0]], dtype=np.float32)
    np.testing.assert_array_equal(learn(labels, targets="ordinal")[0], [[0, 0], [1, 0], [1, 1]])


def test_ordinal_targets_are_numbers() -> None:
    task = replace(quest, name="other", kind=CLASSES)
    with pytest.raises(FoldshipError, match="ordinal does not fit the competition other"):
        targets.fit_grid(config(targets="ordinal"), np.zeros((2, 1), np.float32), task)


@settings(deadline=None, max_examples=50)
@given(labels_of_two, st.sampled_from(["plain", "rank", "ordinal"]), st.sampled_from([0.0, 0.3]))
def test_expected_labels_on_the_grid_are_learnt_like_labels_and_come_back(
    labels: np.ndarray, kind: str, smoothing: float
) -> None:
    learnt, scale = learn(labels, targets=kind, label_smoothing=smoothing)
    np.testing.assert_allclose(scale.apply(labels), learnt, atol=1e-5)
    outputs = learnt if scale.grid is None else learnt @ scale.grid.shares.T
    np.testing.assert_allclose(scale.undo(outputs), labels, atol=1e-4)


@settings(deadline=None, max_examples=50)
@given(labels_of_two, st.floats(0, 1), st.floats(0, 1))
def test_predictions_between_the_levels_keep_their_order(labels: np.ndarray, one: float, two: float) -> None:
    for kind in ("plain", "rank", "ordinal"):
        _, scale = learn(labels, targets=kind)
        low, high = scale.undo(np.array([[min(one, two)] * 2, [max(one, two)] * 2]))
        assert (low <= high).all()


def test_smoothing_moves_towards_each_columns_mean_and_keeps_it() -> None:
    labels = np.array([[0.0, 1.0], [1.0, 1.0]], dtype=np.float32)
    learnt, _ = learn(labels, label_smoothing=0.2)
    np.testing.assert_allclose(learnt, [[0.1, 1.0], [0.9, 1.0]], atol=1e-6)


def test_the_group_mean_moves_shared_columns_alone() -> None:
    labels = np.array([[0.0, 0.0], [1.0, 1.0], [0.5, 0.25]], dtype=np.float32)
    learnt, _ = learn(labels, [7, 7, 3], np.array([0]), group_mean=0.5)
    np.testing.assert_allclose(learnt, [[0.25, 0.0], [0.75, 1.0], [0.5, 0.25]], atol=1e-6)


def test_ranks_are_taken_of_the_group_means() -> None:
    labels = np.array([[0.0], [1.0], [0.75], [0.25]], dtype=np.float32)
    learnt, _ = learn(labels, [0, 0, 1, 2], np.array([0]), group_mean=1.0, targets="rank")
    ranks = rankdata([0.5, 0.5, 0.75, 0.25])
    np.testing.assert_allclose(learnt[:, 0], (ranks - 1) / 3, atol=1e-6)


def test_a_group_disagrees_in_chances_of_its_ordinal_targets() -> None:
    labels = np.array([[0.0], [1.0], [0.5]], dtype=np.float32)
    learnt, _ = learn(labels, [0, 0, 1], np.array([0]), group_mean=1.0, targets="ordinal")
    np.testing.assert_allclose(learnt, [[0.5, 0.5], [0.5, 0.5], [1, 0]])


def test_groups_weigh_the_same_and_rows_one_on_average() -> None:
    weights = targets.row_weights(np.array([5, 5, 5, 9]), config(sample_weights="group"))
    np.testing.assert_allclose(weights, [2 / 3, 2 / 3, 2 / 3, 2])
    assert targets.row_weights(np.array([5, 5, 9]), config()) is None


def test_the_grid_does_not_depend_on_the_fold() -> None:
    labels = np.array([[0.0], [0.5], [1.0]], dtype=np.float32)
    grid = Grid.fit(labels, 8)
    learnt, _ = targets.learnt(labels[:2], np.arange(2), config(targets="ordinal"), grid, NONE)
    assert learnt.shape == (2, 2)
