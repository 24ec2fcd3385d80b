from __future__ import annotations

import json
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from foldship.config.selecting import StepKind
from foldship.selection import kinds, rounding
from foldship_kernel import postprocess
from foldship_kernel.steps import KINDS, OF_TABLES


def test_settings_fitters_and_the_kernel_name_the_same_kinds() -> None:
    assert set(get_args(StepKind)) == set(kinds.FITTERS) | set(OF_TABLES)
    assert set(kinds.FITTERS) | {"cuts"} == set(KINDS)


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(sorted(kinds.FITTERS)),
    st.integers(1, 60),
    st.integers(1, 5),
    st.integers(1, 40),
    st.integers(0, 2**32 - 1),
)
def test_every_fitted_step_survives_json_and_can_be_applied_to_other_rows(
    kind: str, rows: int, truth_levels: int, levels: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    truth = random.integers(0, truth_levels, rows) / max(truth_levels - 1, 1)
    prediction = random.integers(0, levels, rows) / levels
    step = kinds.FITTERS[kind](truth, prediction, None)
    if step is None:
        return
    step = json.loads(json.dumps(step))
    for other in (prediction, random.random(50), np.array([0.5]), np.full(7, 0.3), np.zeros(0)):
        processed, _ = postprocess.apply_column(other, step)
        assert processed.shape == other.shape
        assert np.isfinite(processed).all()


@pytest.mark.parametrize("kind", ["floor", "round"])
def test_the_number_of_parts_is_the_one_that_scipy_finds(kind: str) -> None:
    random = np.random.default_rng(0)
    truth = np.where(random.random(800) < 0.7, 0.0, random.integers(1, 4, 800) / 3)
    prediction = 0.5 * truth + random.uniform(0, 0.3, 800)
    step = kinds.FITTERS[kind](truth, prediction, None)
    assert step is not None
    scores = [
        spearmanr(truth, KINDS[kind](prediction, {"parts": parts})).statistic for parts in rounding.PARTS
    ]
    assert step["parts"] == rounding.PARTS[int(np.nanargmax(scores))]

    def by_call(one: np.ndarray, other: np.ndarray) -> float:
        return float(np.nan_to_num(spearmanr(one, other).statistic))

    assert kinds.FITTERS[kind](truth, prediction, by_call) == step


def test_columns_of_no_levels_get_no_grid() -> None:
    for kind in ("grid", "levels"):
        fit = kinds.FITTERS[kind]
        assert fit(np.zeros(5), np.arange(5.0), None) is None
        assert fit(np.arange(100.0), np.arange(100.0), None) is None
        assert fit(np.array([0.0, 0.0, 0.0, 1.0]), np.arange(4.0), None) is not None
