from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldship_kernel import postprocess
from foldship_kernel.errors import BundleError

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
