from __future__ import annotations

from typing import Any

import numpy as np

from foldship.selection import clipping, gate


def column(rows: int, signal: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A truth of mostly zeros, a prediction that knows the rest of it, and five folds."""
    random = np.random.default_rng(seed)
    truth = np.where(random.random(rows) < 0.8, 0.0, random.integers(1, 4, rows) / 3)
    return truth, signal * truth + random.uniform(0, 0.3, rows), np.arange(rows) % 5


def test_a_step_that_pays_is_kept_and_gains_on_every_held_out_fold() -> None:
    truth, prediction, folds = column(2000, signal=1.0)
    step, honest = gate.fit_column(truth, prediction, folds, clipping.fit, 0.002)
    assert step is not None
    for fold in range(5):
        rows = folds == fold
        assert (gate.score(truth[rows], honest[rows]) or 0) > (gate.score(truth[rows], prediction[rows]) or 0)


def test_a_step_that_costs_on_held_out_folds_does_not_pass_the_gate() -> None:
    truth, prediction, folds = column(500, signal=1.0)

    def too_eager(_: np.ndarray, other: np.ndarray) -> dict[str, Any]:
        return {"kind": "clip", "low": None, "high": float(np.quantile(other, 0.1))}

    step, honest = gate.fit_column(truth, prediction, folds, too_eager, 0.0)
    assert step is None
    np.testing.assert_array_equal(honest, prediction)


def test_no_step_for_a_held_out_fold_was_fitted_or_chosen_on_it() -> None:
    truth, prediction, folds = column(500, signal=1.0)
    _, honest = gate.fit_column(truth, prediction, folds, clipping.fit, 0.002)
    spoiled = truth.copy()
    spoiled[folds == 3] = 1 - spoiled[folds == 3]
    _, again = gate.fit_column(spoiled, prediction, folds, clipping.fit, 0.002)
    np.testing.assert_array_equal(again[folds == 3], honest[folds == 3])


def test_one_fold_alone_cannot_prove_a_gain() -> None:
    truth, prediction, _ = column(500, signal=1.0)
    step, honest = gate.fit_column(truth, prediction, np.zeros(500, dtype=np.int64), clipping.fit, 0.0)
    assert step is None
    np.testing.assert_array_equal(honest, prediction)


def test_a_column_that_varies_in_one_fold_only_is_left_alone() -> None:
    truth, prediction, folds = column(500, signal=1.0)
    truth[folds != 0] = 0.0
    step, _ = gate.fit_column(truth, prediction, folds, clipping.fit, 0.0)
    assert step is None


def test_a_fit_is_made_once_for_each_set_of_rows() -> None:
    truth, prediction, folds = column(100, signal=1.0)
    sizes: list[int] = []

    def counting(one: np.ndarray, other: np.ndarray) -> dict[str, Any] | None:
        sizes.append(len(one))
        return clipping.fit(one, other)

    gate.fit_column(truth, prediction, folds, counting, -1.0)
    assert sorted(sizes) == [60] * 10 + [80] * 5 + [100]
