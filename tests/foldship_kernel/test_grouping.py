from __future__ import annotations

import numpy as np
import pytest
from declared import quest

from foldship_kernel import grouping
from foldship_kernel.errors import FoldshipError

VALUES = np.array([[0.0, 0.0], [0.1, 1.0], [0.5, 0.25], [0.3, 0.5]])
GROUPS = np.array([7, 7, 3, 7])
FIRST = np.array([0])


def test_some_columns_move_to_the_mean_of_their_group() -> None:
    moved = grouping.toward_mean(VALUES, GROUPS, FIRST, 0.5)
    mean = 0.4 / 3
    np.testing.assert_allclose(moved[:, 0], [mean / 2, (0.1 + mean) / 2, 0.5, (0.3 + mean) / 2])
    np.testing.assert_array_equal(moved[:, 1], VALUES[:, 1])
    assert VALUES[0, 0] == 0  # what was given is left as it was


def test_with_a_share_of_1_a_group_is_tied_to_the_last_bit() -> None:
    values = np.random.default_rng(0).random((500, 3))
    groups = np.arange(500) % 40
    moved = grouping.toward_mean(values, groups, np.arange(3), 1.0)
    assert all(len(np.unique(moved[groups == group], axis=0)) == 1 for group in range(40))
    for group in range(40):
        np.testing.assert_allclose(moved[group], values[groups == group].mean(axis=0))


@pytest.mark.parametrize(("share", "places"), [(0.0, FIRST), (1.0, FIRST[:0])])
def test_nothing_moves_unasked(share: float, places: np.ndarray) -> None:
    assert grouping.toward_mean(VALUES, GROUPS, places, share) is VALUES


def test_the_setting_needs_targets_of_the_group() -> None:
    with pytest.raises(FoldshipError, match="group_mean: in this competition no target"):
        grouping.columns((), quest.targets, 0.5)
    assert grouping.columns((), quest.targets, 0.0).tolist() == []
    places = grouping.columns(quest.group_targets, quest.targets, 0.5)
    assert places.tolist() == list(range(21))
    assert all(quest.targets[place].startswith("question_") for place in places)
