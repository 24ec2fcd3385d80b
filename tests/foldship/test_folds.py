"""Folds: grouped, keyed by id, kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldship import folds
from foldship_kernel.errors import DataError


def rows(count: int = 60, seed: int = 0) -> tuple[pd.Series, pd.Series, pd.DataFrame]:
    """Ids out of order, groups of about three, one common target and one in five groups only."""
    random = np.random.default_rng(seed)
    ids = pd.Series(random.permutation(count * 3)[:count].astype(str), name="qa_id", dtype=object)
    group = np.arange(count) // 3
    targets = pd.DataFrame(
        {"common": random.random(count), "scarce": (np.arange(count) % 12 == 0).astype(float)}
    )
    return ids, pd.Series([f"g{number}" for number in group], dtype=object), targets


def test_every_row_has_a_fold_and_no_group_is_cut() -> None:
    ids, groups, targets = rows()
    table = folds.make(ids, groups, targets, 5, 0)
    assert table.columns.tolist() == ["qa_id", "group", "fold"]
    assert table["qa_id"].tolist() == ids.tolist()
    assert table["group"].tolist() == groups.tolist()
    assert table["fold"].value_counts().to_dict() == dict.fromkeys(range(5), 12)
    assert table.groupby("group")["fold"].nunique().max() == 1


def test_scarce_targets_are_spread() -> None:
    ids, groups, targets = rows()
    table = folds.make(ids, groups, targets, 5, 0)
    assert sorted(table["fold"][targets["scarce"] > 0]) == [0, 1, 2, 3, 4]
    assert folds.notes(table, targets) == []


def test_notes_name_column_and_folds_without_a_score() -> None:
    ids, groups, targets = rows()
    targets["scarce"] = (groups == "g3").astype(float)
    table = folds.make(ids, groups, targets, 3, 0)
    has = int(table["fold"][targets["scarce"] > 0].iloc[0])
    (note,) = folds.notes(table, targets)
    others = ", ".join(str(number) for number in range(3) if number != has)
    assert note.startswith(f"scarce: one value only in folds {others} (3 non-zero rows in all)")


def test_order_of_rows_does_not_matter_and_the_seed_does() -> None:
    ids, groups, targets = rows()
    first = folds.make(ids, groups, targets, 5, 0)
    order = np.random.default_rng(1).permutation(len(ids))
    again = folds.make(ids.iloc[order], groups.iloc[order], targets.iloc[order], 5, 0)
    assert again.set_index("qa_id").loc[list(ids), "fold"].tolist() == first["fold"].tolist()
    assert folds.make(ids, groups, targets, 5, 1)["fold"].tolist() != first["fold"].tolist()


def test_too_few_groups() -> None:
    ids, groups, targets = rows(9)
    with pytest.raises(DataError, match="at least 5 groups"):
        folds.make(ids, groups, targets, 5, 0)


@settings(max_examples=40, deadline=None)
@given(
    groups=st.lists(st.integers(0, 9), min_size=2, max_size=40).filter(lambda found: len(set(found)) >= 3),
    count=st.integers(2, 3),
    seed=st.integers(0, 99),
)
def test_all_folds_are_used_whatever_the_groups(groups: list[int], count: int, seed: int) -> None:
    size = len(groups)
    targets = pd.DataFrame(np.random.default_rng(seed).random((size, 30)) < 0.05).astype(float)
    ids = pd.Series([str(number) for number in range(size)], name="id")
    table = folds.make(ids, pd.Series(groups).astype(str), targets, count, seed)
    assert set(table["fold"]) == set(range(count))
    assert table.groupby("group")["fold"].nunique().max() == 1


def test_made_once_and_found_by_id(tmp_path: Path) -> None:
    ids, groups, targets = rows()
    path = tmp_path / "weights" / "folds.csv"
    first = folds.load_or_make(path, ids, groups, targets, 5, 0)
    kept = path.read_bytes()
    pd.testing.assert_frame_equal(first, folds.make(ids, groups, targets, 5, 0))
    turned = folds.load_or_make(
        path, ids[::-1], groups[::-1], targets[::-1], 5, seed=7
    )  # an old file's seed stands
    assert turned["qa_id"].tolist() == ids.tolist()[::-1]
    assert turned["fold"].tolist() == first["fold"].tolist()[::-1]
    assert path.read_bytes() == kept


def test_other_rows_are_refused(tmp_path: Path) -> None:
    ids, groups, targets = rows()
    path = tmp_path / "folds.csv"
    folds.load_or_make(path, ids, groups, targets, 5, 0)
    changed = ids.copy()
    changed.iloc[0] = "new"
    with pytest.raises(DataError, match=r"1 ids new \(new\); 1 ids gone") as caught:
        folds.load_or_make(path, changed, groups, targets, 5, 0)
    assert str(tmp_path) in caught.value.fix


def test_other_groups_are_refused(tmp_path: Path) -> None:
    ids, groups, targets = rows()
    path = tmp_path / "folds.csv"
    folds.load_or_make(path, ids, groups, targets, 5, 0)
    changed = groups.copy()
    changed.iloc[4] = "other"
    with pytest.raises(DataError, match=rf"changed: {ids[4]}\n") as caught:
        folds.load_or_make(path, ids, changed, targets, 5, 0)
    assert caught.value.fix


def test_another_number_of_folds_is_refused(tmp_path: Path) -> None:
    ids, groups, targets = rows()
    path = tmp_path / "folds.csv"
    folds.load_or_make(path, ids, groups, targets, 5, 0)
    with pytest.raises(DataError, match="another number of folds"):
        folds.load_or_make(path, ids, groups, targets, 4, 0)


def test_a_cut_group_is_refused(tmp_path: Path) -> None:
    ids, groups, targets = rows()
    path = tmp_path / "folds.csv"
    table = folds.load_or_make(path, ids, groups, targets, 5, 0)
    table.loc[0, "fold"] = (table.loc[0, "fold"] + 1) % 5
    table.to_csv(path, index=False)
    with pytest.raises(DataError, match="a group is cut"):
        folds.load_or_make(path, ids, groups, targets, 5, 0)


def test_classes_are_spread_over_the_folds() -> None:
    random = np.random.default_rng(0)
    labels = random.choice(3, 400, p=[0.6, 0.3, 0.1])
    targets = pd.DataFrame(np.eye(3)[labels], columns=["a", "b", "c"])
    ids = pd.Series([f"r{number}" for number in range(400)], name="id")
    groups = pd.Series([f"g{number // 2}" for number in range(400)])
    table = folds.make(ids, groups, targets, 4, 0)
    shares = targets.groupby(table["fold"]).mean()
    assert (shares.max() - shares.min()).max() < 0.05
    assert (table.groupby("group")["fold"].nunique() == 1).all()
