from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldship_kernel import postprocess
from foldship_kernel.errors import BundleError, DataError
from foldship_kernel.steps import needed

CLIP = {"kind": "clip", "target": "a", "low": 0.25, "high": 0.75}


def frame(*values: float) -> pd.DataFrame:
    return pd.DataFrame({"id": [str(row) for row in range(len(values))], "a": values, "b": values})


def test_clip_touches_its_target_only_and_not_the_input() -> None:
    given_frame = frame(0.1, 0.5, 0.9)
    result, notes = postprocess.apply(given_frame, [CLIP])
    pd.testing.assert_frame_equal(result, given_frame.assign(a=[0.25, 0.5, 0.75]))
    pd.testing.assert_frame_equal(given_frame, frame(0.1, 0.5, 0.9))
    assert notes == []


def test_a_missing_bound_is_no_bound() -> None:
    result, _ = postprocess.apply(frame(0.1, 0.5, 0.9), [{**CLIP, "low": None}])
    assert list(result["a"]) == [0.1, 0.5, 0.75]


def test_steps_go_in_order_and_survive_json() -> None:
    steps = json.loads(json.dumps([CLIP, {**CLIP, "low": 0.3, "high": None}]))
    result, _ = postprocess.apply(frame(0.1, 0.5, 0.9), steps)
    assert list(result["a"]) == [0.3, 0.5, 0.75]


def test_a_column_that_would_become_constant_is_left_as_it_was() -> None:
    result, notes = postprocess.apply(frame(0.1, 0.2, 0.05), [CLIP])
    assert list(result["a"]) == [0.1, 0.2, 0.05]
    assert notes == [
        "a: clip would leave 0 of 3 rows away from the commonest value, at least 1 wanted: left out"
    ]


@pytest.mark.parametrize(("away", "kept"), [(4, False), (5, True)])
def test_half_a_percent_must_stay_away_from_the_commonest_value(away: int, kept: bool) -> None:
    values = np.r_[np.linspace(0.0, 0.2, 1000 - away), np.full(away, 0.5)]
    result, notes = postprocess.apply(frame(*values), [CLIP])
    assert bool(result["a"].min() == 0.25) is kept
    assert bool(notes) is not kept


def test_a_single_row_and_no_row_have_no_order_to_lose() -> None:
    assert postprocess.apply(frame(0.1), [CLIP])[0]["a"].tolist() == [0.25]
    assert postprocess.apply(frame(), [CLIP])[0]["a"].tolist() == []


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=50), st.floats(0, 1), st.floats(0, 1))
def test_a_column_that_varies_still_varies(values: list[float], one: float, two: float) -> None:
    if one == two:
        return
    step = {**CLIP, "low": min(one, two), "high": max(one, two)}
    result, _ = postprocess.apply(frame(*values), [step])
    assert result["a"].nunique() > 1 or len(set(values)) == 1
    assert (np.diff(result["a"].to_numpy()[np.argsort(values)]) >= 0).all()


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({**CLIP, "target": "c"}, "no target 'c'"),
        ({**CLIP, "kind": "polish"}, "no kind 'polish'"),
        ({"kind": "clip", "target": "a", "low": 0.1}, "KeyError"),
        ({**CLIP, "low": "x"}, "ValueError"),
        ({**CLIP, "low": 0.75}, "is not below high"),
        ({"target": "a"}, "no kind None"),
    ],
)
def test_bad_steps_are_named_and_say_what_to_do(step: dict[str, Any], message: str) -> None:
    with pytest.raises(BundleError, match=message) as caught:
        postprocess.apply(frame(0.1, 0.9), [step])
    assert "make bundle" in str(caught.value)


@pytest.mark.parametrize(
    ("step", "values", "expected"),
    [
        ({"kind": "floor", "parts": 4}, [0.1, 0.25, 0.74, 0.75], [0.0, 0.25, 0.5, 0.75]),
        ({"kind": "round", "parts": 4}, [0.1, 0.125, 0.6, 0.9], [0.0, 0.25, 0.5, 1.0]),
        ({"kind": "grid", "levels": [0, 1 / 3, 1]}, [0.1, 0.2, 0.5, 0.9], [0.0, 1 / 3, 1 / 3, 1.0]),
        ({"kind": "levels", "levels": [0, 1], "shares": [0.5, 0.5]}, [0.3, 0.1, 0.2, 0.4], [1, 0, 0, 1]),
        ({"kind": "levels", "levels": [0, 1], "shares": [0.6, 0.4]}, [0.1, 0.2, 0.2, 0.2], [0, 1, 1, 1]),
        ({"kind": "levels", "levels": [0, 0.5, 1], "shares": [0.3, 0.4, 0.3]}, [0.9], [0.5]),
        ({"kind": "tails", "low": 0.5, "high": 0.25}, [0.4, 0.1, 0.3, 0.2], [0.4, 0.2, 0.3, 0.2]),
        (
            {"kind": "thresholds", "groups": [[None, 0.3], [0.5, 0.7]]},
            [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
            [np.nextafter(0.3, 0), np.nextafter(0.3, 0), 0.3, 0.4, 0.5, 0.5],
        ),
        ({"kind": "cuts", "cuts": [0.2, 0.5], "levels": [0, 0.5, 1]}, [0.1, 0.2, 0.5], [0.0, 0.5, 1.0]),
        ({"kind": "curve", "x": [0, 0.5, 1], "y": [0, 1, 0]}, [-1, 0.25, 0.5, 0.75, 2], [0, 0.5, 1, 0.5, 0]),
    ],
)
def test_each_kind_does_what_it_says(
    step: dict[str, Any], values: list[float], expected: list[float]
) -> None:
    result, notes = postprocess.apply_column(np.array(values, dtype=float), step)
    np.testing.assert_allclose(result, expected, rtol=1e-15)
    assert notes == ""


STEPS: list[dict[str, Any]] = [
    {"kind": "clip", "low": 0.2, "high": 0.8},
    {"kind": "tails", "low": 0.6, "high": 0.1},
    {"kind": "tails", "low": 0.999, "high": 0.0},
    {"kind": "floor", "parts": 7},
    {"kind": "round", "parts": 7},
    {"kind": "grid", "levels": [0, 0.25, 1]},
    {"kind": "levels", "levels": [0, 0.25, 1], "shares": [0.7, 0.2, 0.1]},
    {"kind": "thresholds", "groups": [[None, 0.2], [0.2, 0.3], [0.9, None]]},
    {"kind": "cuts", "cuts": [0.3, 0.6], "levels": [0, 0.5, 1]},
]


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(STEPS), st.lists(st.integers(0, 40), min_size=1, max_size=60), st.randoms())
def test_order_is_kept_ties_stay_and_rows_may_stand_in_any_order(
    step: dict[str, Any], numbers: list[int], dice: Any
) -> None:
    column = np.array(numbers) / 40
    result, _ = postprocess.apply_column(column, step)
    order = np.argsort(column, kind="stable")
    assert (np.diff(result[order]) >= 0).all()
    for value in set(column):
        assert len(set(result[column == value])) == 1
    shuffled = np.array(dice.sample(range(len(column)), len(column)))
    np.testing.assert_array_equal(postprocess.apply_column(column[shuffled], step)[0], result[shuffled])


@pytest.mark.parametrize("parts", [3, 7, 10, 60])
def test_single_precision_does_not_take_a_multiple_to_the_part_below(parts: int) -> None:
    exact = np.arange(parts + 1) / parts
    single = exact.astype(np.float32).astype(np.float64)
    for kind in ("floor", "round"):
        result, _ = postprocess.apply_column(single, {"kind": kind, "parts": parts})
        np.testing.assert_allclose(result, exact, atol=1e-12)


@pytest.mark.parametrize("rows", [476, 960, 1263])
def test_tails_leave_as_many_rows_apart_as_the_guard_wants(rows: int) -> None:
    column = np.random.default_rng(0).random(rows)
    result, note = postprocess.apply_column(column, {"kind": "tails", "low": 0.9999, "high": 0.0})
    assert note == ""
    assert postprocess.minority(result) == needed(rows)


def test_tails_follow_predictions_whose_range_has_shifted() -> None:
    column = np.random.default_rng(0).random(1000)
    step = {"kind": "tails", "low": 0.9, "high": 0.0}
    result, _ = postprocess.apply_column(column, step)
    shifted, _ = postprocess.apply_column(column / 2, step)
    np.testing.assert_array_equal(shifted, result / 2)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("step", STEPS)
def test_what_is_no_number_is_refused(step: dict[str, Any], value: float) -> None:
    with pytest.raises(DataError, match="no finite numbers") as caught:
        postprocess.apply_column(np.array([0.1, value, 0.3]), {**step, "target": "a"})
    assert "1 that are not" in str(caught.value)


@pytest.mark.parametrize(
    "step",
    [
        {"kind": "floor", "parts": 0},
        {"kind": "round", "parts": -2},
        {"kind": "round", "parts": float("nan")},
        {"kind": "grid", "levels": [1.0]},
        {"kind": "grid", "levels": [1.0, 0.0]},
        {"kind": "levels", "levels": [0.0, 1.0], "shares": [0.5, 0.6]},
        {"kind": "levels", "levels": [0.0, 1.0], "shares": [1.0]},
        {"kind": "tails", "low": 0.6, "high": 0.4},
        {"kind": "thresholds", "groups": [[0.3, 0.2]]},
        {"kind": "thresholds", "groups": [[None, None]]},
        {"kind": "thresholds", "groups": [[0.5, 0.6], [0.1, 0.2]]},
        {"kind": "cuts", "cuts": [0.5], "levels": [0.0]},
        {"kind": "curve", "x": [0.0, 1.0], "y": [0.0]},
    ],
)
def test_numbers_that_make_no_sense_are_refused(step: dict[str, Any]) -> None:
    with pytest.raises(BundleError, match="cannot be applied"):
        postprocess.apply_column(np.array([0.1, 0.2]), step)
