from __future__ import annotations

import numpy as np
import pytest

from foldship import metrics
from foldship.selection import evaluation

COLUMNS = {"all": range(3), "some": [0, 2]}


def scene(rows: int = 300, gain: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Truth, a noisy prediction, one that is noisier or less noisy, and groups of one to three rows."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 4, (rows, 3)) / 3
    noise, other = random.normal(size=(2, rows, 3))
    a = truth + noise
    b = truth + (1 - gain) * noise + 0.02 * other
    return truth, a, b, np.sort(random.integers(0, rows // 2, rows))


def test_scores_are_the_metrics_and_the_columns_those_asked_for() -> None:
    truth, a, b, groups = scene()
    found = evaluation.compare(truth, a, b, groups, COLUMNS, resamples=50)
    for name, columns in COLUMNS.items():
        assert found[name].columns == len(columns)
        assert found[name].a == pytest.approx(metrics.mean_spearman(truth, a, columns))
        assert found[name].b == pytest.approx(metrics.mean_spearman(truth, b, columns))
        assert found[name].difference == pytest.approx(found[name].b - found[name].a)
        assert found[name].low <= found[name].difference <= found[name].high


def test_drawing_rows_again_is_what_counting_them_does() -> None:
    """The fast way and the plain one (rows repeated, the metric called) draw the same and score the same."""
    truth, a, b, groups = scene()
    a, b = np.round(a, 1), np.round(b, 1)  # ties

    def plain(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        return metrics.spearman(truth, prediction)

    for how in ({}, {"one_each": True}, {"one_each": True, "rows": 60}, {"rows": 60}, {"folds": groups % 3}):
        fast = evaluation.compare(truth, a, b, groups, COLUMNS, resamples=20, **how)
        slow = evaluation.compare(truth, a, b, groups, COLUMNS, resamples=20, score=plain, **how)
        for name in COLUMNS:
            for field in ("a", "b", "low", "high", "better"):
                assert getattr(fast[name], field) == pytest.approx(getattr(slow[name], field), abs=1e-12)


def test_a_real_gain_is_seen_and_no_gain_is_not() -> None:
    truth, a, b, groups = scene(gain=0.15)
    sure = evaluation.compare(truth, a, b, groups, COLUMNS, resamples=200)["all"]
    assert sure.low > 0
    assert sure.better > 0.99
    back = evaluation.compare(truth, b, a, groups, COLUMNS, resamples=200)["all"]
    assert back.better == pytest.approx(1 - sure.better)
    same = evaluation.compare(truth, a, 2 * a, groups, COLUMNS, resamples=50)["all"]
    assert (same.difference, same.low, same.high, same.better) == (0, 0, 0, 0.5)


def test_rows_of_a_group_are_drawn_together_or_one_at_a_time() -> None:
    groups = np.array([4, 4, 4, 7, 9, 9])
    random = np.random.default_rng(0)
    for _ in range(20):
        whole = evaluation._Draw(groups, None, False)(random)
        assert len(set(whole[:3])) == len(set(whole[4:])) == 1
        assert whole[0] + whole[3] + whole[4] == 3
        single = evaluation._Draw(groups, None, True)(random)
        assert single.sum() == 3
    assert evaluation._Draw(np.arange(1000), 0.476, True)(random).sum() == 476


def test_few_rows_are_less_sure() -> None:
    truth, a, b, groups = scene(rows=1000, gain=0.05)
    many = evaluation.compare(truth, a, b, groups, COLUMNS, resamples=100)["all"]
    few = evaluation.compare(truth, a, b, groups, COLUMNS, resamples=100, rows=100, one_each=True)["all"]
    assert few.high - few.low > 2 * (many.high - many.low)
    assert few.difference == many.difference


def test_a_column_that_cannot_be_scored_is_left_out() -> None:
    truth, a, b, groups = scene()
    truth[:, 1] = 0.0
    truth[:1, 1] = 1.0  # in some resamples only
    found = evaluation.compare(truth, a, b, groups, COLUMNS, resamples=30)["all"]
    assert np.isfinite([found.low, found.high, found.better]).all()


@pytest.mark.parametrize("change", ["nan", "shape", "groups"])
def test_tables_that_do_not_fit_are_refused(change: str) -> None:
    truth, a, b, groups = scene()
    if change == "nan":
        b[3, 1] = np.nan
    elif change == "shape":
        b = b[:-1]
    else:
        groups = groups[:-1]
    with pytest.raises(ValueError, match="cannot be compared"):
        evaluation.compare(truth, a, b, groups, COLUMNS, resamples=2)
