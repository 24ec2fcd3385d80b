from __future__ import annotations

from pathlib import Path

import numpy as np

from foldship_kernel.gather import Gathered


def test_a_models_folds_are_averaged() -> None:
    empty = Gathered()
    both = empty.plus("a fold 0", "a", np.full((3, 2), 0.2)).plus("a fold 1", "a", np.full((3, 2), 0.4))
    assert both.units == ("a fold 0", "a fold 1") and both.models == {"a"}
    [(models, rows, means)] = both.groups()
    assert models == {"a"} and rows.tolist() == [0, 1, 2]
    np.testing.assert_allclose(means["a"], 0.3)
    assert empty.units == () and not empty.models


def test_rows_are_grouped_by_the_models_that_have_read_them() -> None:
    some = np.array([[0.1], [np.nan], [np.nan]])
    others = np.array([[0.3], [0.4], [np.nan]])
    gathered = Gathered().plus("a fold 0", "a", some).plus("b fold 0", "b", others)
    groups = {models: (rows.tolist(), means) for models, rows, means in gathered.groups()}
    assert {models: rows for models, (rows, _) in groups.items()} == {
        frozenset(): [2],
        frozenset({"b"}): [1],
        frozenset({"a", "b"}): [0],
    }
    assert groups[frozenset({"a", "b"})][1]["a"].tolist() == [[0.1]]
    assert groups[frozenset()][1] == {}


def test_what_was_saved_is_gone_on_with(tmp_path: Path) -> None:
    before = Gathered().plus("a.b fold 0", "a.b", np.array([[0.1], [np.nan]]))
    before.save(tmp_path / "kept.npz")
    after = Gathered.load(tmp_path / "kept.npz").plus("a.b fold 1", "a.b", np.array([[0.3], [0.5]]))
    assert after.units == ("a.b fold 0", "a.b fold 1")
    [(_, _, means)] = after.groups()
    np.testing.assert_allclose(means["a.b"], [[0.2], [0.5]])
    assert [path.name for path in tmp_path.iterdir()] == ["kept.npz"]
