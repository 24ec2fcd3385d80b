from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from foldship.selection import gate, kinds
from foldship.selection.clipping import Score
from foldship.selection.stability import Resamples

CLIP = kinds.fitters(["clip"])


def column(rows: int, signal: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A truth of mostly zeros, a prediction that knows the rest of it, and five folds."""
    random = np.random.default_rng(seed)
    truth = np.where(random.random(rows) < 0.8, 0.0, random.integers(1, 4, rows) / 3)
    return truth, signal * truth + random.uniform(0, 0.3, rows), np.arange(rows) % 5


def test_a_step_that_pays_is_kept_and_gains_on_every_held_out_fold() -> None:
    truth, prediction, folds = column(2000, signal=1.0)
    step, honest = gate.fit_column(truth, prediction, folds, CLIP, 0.002)
    assert step is not None
    for fold in range(5):
        rows = folds == fold
        assert (gate.score(truth[rows], honest[rows]) or 0) > (gate.score(truth[rows], prediction[rows]) or 0)


def test_a_step_that_costs_on_held_out_folds_does_not_pass_the_gate() -> None:
    truth, prediction, folds = column(500, signal=1.0)

    def too_eager(_: np.ndarray, other: np.ndarray, __: object) -> dict[str, Any]:
        return {"kind": "clip", "low": None, "high": float(np.quantile(other, 0.1))}

    step, honest = gate.fit_column(truth, prediction, folds, {"clip": too_eager}, 0.0)
    assert step is None
    np.testing.assert_array_equal(honest, prediction)


def test_no_step_for_a_held_out_fold_was_fitted_or_chosen_on_it() -> None:
    truth, prediction, folds = column(500, signal=1.0)
    _, honest = gate.fit_column(truth, prediction, folds, CLIP, 0.002)
    spoiled = truth.copy()
    spoiled[folds == 3] = 1 - spoiled[folds == 3]
    _, again = gate.fit_column(spoiled, prediction, folds, CLIP, 0.002)
    np.testing.assert_array_equal(again[folds == 3], honest[folds == 3])


def test_no_kind_for_a_held_out_fold_was_chosen_or_found_stable_on_it() -> None:
    truth, prediction, folds = column(500, signal=0.25)
    resamples = Resamples(folds, np.arange(500) // 2, count=50, rows=60)

    def honest(labels: np.ndarray) -> np.ndarray:
        tried = kinds.fitters(["floor", "round", "clip", "thresholds", "tails"])
        return gate.fit_column(labels, prediction, folds, tried, 0.0, stability=0.4, resamples=resamples)[1]

    spoiled = truth.copy()
    spoiled[folds == 3] = 1 - spoiled[folds == 3]
    np.testing.assert_array_equal(honest(spoiled)[folds == 3], honest(truth)[folds == 3])
    assert not np.array_equal(honest(spoiled), honest(truth))


def test_leniency_lets_no_kind_pass_on_another_s_behalf(monkeypatch: pytest.MonkeyPatch) -> None:
    """One kind whose loss may be chance, and one that loses less, but in every fold."""
    truth, prediction, folds = np.tile([0.0, 1.0], 40), np.tile([0.2, 0.8], 40), np.repeat(np.arange(4), 20)
    gains = {"raw": [0.0] * 4, "unsure": [0.0, 0.0, 0.0, -0.04], "worse": [-0.005] * 4}

    def applied(column: np.ndarray, step: dict[str, Any] | None) -> np.ndarray:
        return np.full(len(column), list(gains).index(step["kind"] if step else "raw"))

    def score(truth: np.ndarray, column: np.ndarray, metric: Score | None = None) -> float:
        # The rows of a fold are known by its truth, the kind by its column.
        kind = list(gains)[int(column[0])] if column[0] == round(column[0]) else "raw"
        return 0.5 + gains[kind][int(truth[0])]

    monkeypatch.setattr(gate, "applied", applied)
    monkeypatch.setattr(gate, "score", score)
    truth = folds.astype(float)

    def taken(*names: str) -> str | None:
        fitters = {name: (lambda *_, name=name: {"kind": name}) for name in names}
        step, _ = gate.fit_column(truth, prediction, folds, fitters, 0.002, leniency=2.0)
        return None if step is None else str(step["kind"])

    assert taken("worse") is None
    assert taken("unsure") == "unsure"
    assert taken("unsure", "worse") == "unsure"


def test_a_later_kind_must_gain_more_than_an_earlier_one() -> None:
    truth, prediction, folds = column(2000, signal=1.0)

    def marked(one: np.ndarray, other: np.ndarray, score: Score | None) -> dict[str, Any] | None:
        step = CLIP["clip"](one, other, score)
        return None if step is None else {**step, "late": True}

    def idle(_: np.ndarray, __: np.ndarray, ___: Score | None) -> dict[str, Any]:
        return {"kind": "clip", "low": None, "high": 10.0}

    first, _ = gate.fit_column(truth, prediction, folds, {**CLIP, "late": marked}, 0.002)
    assert first is not None
    assert "late" not in first
    later, _ = gate.fit_column(truth, prediction, folds, {"idle": idle, "late": marked}, 0.0)
    assert later is not None
    assert later["late"]


def test_leniency_keeps_what_the_folds_do_not_speak_against() -> None:
    truth, prediction, folds = column(1000, signal=1.0)
    refused, _ = gate.fit_column(truth, prediction, folds, CLIP, 0.5)
    kept, _ = gate.fit_column(truth, prediction, folds, CLIP, 0.5, leniency=1000.0)
    assert refused is None
    assert kept is not None


def test_a_step_that_helps_in_too_few_samples_is_left_out() -> None:
    truth, prediction, folds = column(2000, signal=0.25)
    resamples = Resamples(folds, np.arange(2000), count=100, rows=30)
    kept, _ = gate.fit_column(truth, prediction, folds, CLIP, 0.002, stability=0.6, resamples=resamples)
    refused, honest = gate.fit_column(
        truth, prediction, folds, CLIP, 0.002, stability=1.0, resamples=resamples
    )
    assert kept is not None
    assert refused is None
    np.testing.assert_array_equal(honest, prediction)


def test_another_metric_may_choose_another_step() -> None:
    truth, prediction, folds = column(1000, signal=1.0)

    def closeness(one: np.ndarray, other: np.ndarray) -> float:
        return -float(np.mean((one - other) ** 2))

    step, honest = gate.fit_column(
        truth, prediction, folds, kinds.fitters(["clip", "thresholds"]), 0.0, metric=closeness
    )
    assert step is not None
    assert step["kind"] == "cuts"
    assert closeness(truth, honest) > closeness(truth, prediction) + 0.01


def test_one_fold_alone_cannot_prove_a_gain() -> None:
    truth, prediction, _ = column(500, signal=1.0)
    step, honest = gate.fit_column(truth, prediction, np.zeros(500, dtype=np.int64), CLIP, 0.0)
    assert step is None
    np.testing.assert_array_equal(honest, prediction)


def test_a_column_that_varies_in_one_fold_only_is_left_alone() -> None:
    truth, prediction, folds = column(500, signal=1.0)
    truth[folds != 0] = 0.0
    step, _ = gate.fit_column(truth, prediction, folds, CLIP, 0.0)
    assert step is None


def test_a_fit_is_made_once_for_each_set_of_rows() -> None:
    truth, prediction, folds = column(100, signal=1.0)
    sizes: list[int] = []

    def counting(one: np.ndarray, other: np.ndarray, score: Score | None) -> dict[str, Any] | None:
        sizes.append(len(one))
        return CLIP["clip"](one, other, score)

    gate.fit_column(truth, prediction, folds, {"clip": counting}, -1.0)
    assert sorted(sizes) == [60] * 10 + [80] * 5 + [100]
