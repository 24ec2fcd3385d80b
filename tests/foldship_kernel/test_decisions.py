"""What a metric decides is what a submission holds, spelt as in the training file."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foldship import metrics
from foldship.config.selecting import PostProcessing
from foldship.selection import deciding, gate, kinds
from foldship.selection.scoring import of_column
from foldship_kernel import decisions
from foldship_kernel.decisions import SIDE, WHOLE

SPELT = {SIDE: [["0", "1"], ["0.0", "1.0"], ["False", "True"], ["FALSE", "TRUE"]], WHOLE: [["1", "2", "5"]]}


@st.composite
def columns(draw: st.DrawFn) -> tuple[str, list[str], np.ndarray]:
    """A metric, a training column's cells, and predictions of them."""
    name = draw(st.sampled_from(["f1", "accuracy", "qwk"]))
    cells = draw(st.sampled_from(SPELT[WHOLE if name == "qwk" else SIDE]))
    seed = draw(st.integers(0, 2**16))
    random = np.random.default_rng(seed)
    chosen = list(random.choice(cells, 60)) + cells
    numbers = decisions.parse(pd.Series(chosen, dtype=object)).to_numpy()
    return name, chosen, numbers + random.normal(0, draw(st.floats(0.01, 2)), len(chosen))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(columns())
def test_cells_read_back_to_the_values_that_were_scored(drawn: tuple[str, list[str], np.ndarray]) -> None:
    name, cells, predicted = drawn
    score = metrics.build(name, "numbers", ["t"])
    rule, truth = metrics.decision(score), decisions.parse(pd.Series(cells, dtype=object)).to_numpy()
    folds = np.arange(len(truth)) % 4
    step, honest = gate.fit_column(
        truth,
        predicted,
        folds,
        kinds.fitters(deciding.processing(PostProcessing(kinds=()), score).kinds),
        0.002,
        metric=of_column(score),
        finish=lambda one, known: deciding.steps(one, known, score),
    )
    known = decisions.spellings(rule, cells, truth)
    submitted = predicted
    for one in deciding.steps(step, truth, score):
        submitted = gate.applied(submitted, one)
    for values in (submitted, honest):
        written = decisions.spell(rule, values, known)
        assert set(written) <= set(cells)
        np.testing.assert_array_equal(decisions.parse(pd.Series(written, dtype=object)), values)


@pytest.mark.parametrize(
    ("rule", "known", "values", "written"),
    [
        (SIDE, {"0": "0", "1": "1"}, [0.5, 0.51, -3.0], ["0", "1", "0"]),
        (SIDE, {"0": "FALSE", "1": "TRUE"}, [0.2, 0.9], ["FALSE", "TRUE"]),
        (SIDE, {"0": "0"}, [0.9], ["0"]),
        (WHOLE, {"1": "1", "2": "2", "5": "5"}, [0.0, 2.5, 3.4, 3.5], ["1", "2", "2", "5"]),
        (WHOLE, {}, [2.5], ["3"]),
    ],
)
def test_only_known_values_are_written(
    rule: str, known: dict[str, str], values: list[float], written: list[str]
) -> None:
    assert decisions.spell(rule, np.array(values), known) == written


def test_the_commonest_spelling_is_taken() -> None:
    cells = ["1.0", "1", "1", "0"]
    assert decisions.spellings(SIDE, cells, np.array([1.0, 1.0, 1.0, 0.0])) == {"0": "0", "1": "1"}
