from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tiny_bundle
from declared import quest

from foldship_kernel.errors import SubmissionError
from foldship_kernel.submission import Submission, break_ties, constant_columns

WIDTH = len(quest.targets)


def open_submission(tmp_path: Path, rows: int) -> tuple[Submission, Path, Path]:
    inputs = tiny_bundle.write_input(tmp_path / "input", rows, shuffled=True)
    working = tmp_path / "working"
    working.mkdir()
    fitted = {quest.targets[0]: {"mean": 0.02, "spread": 0.3}}
    rows, template = quest.read_test(inputs)
    return Submission(working / "submission.csv", quest, rows, template, fitted), working, inputs


def test_values_land_at_their_ids_in_the_templates_order(tmp_path: Path) -> None:
    submission, working, inputs = open_submission(tmp_path, 5)
    values = np.linspace(0.0, 1.0, 5 * WIDTH).reshape(5, WIDTH)
    assert submission.write(values) == []
    found = tiny_bundle.check_submission(working, inputs).set_index("qa_id")
    ids = pd.read_csv(inputs / "test.csv", dtype=str)["qa_id"]
    np.testing.assert_array_equal(found.loc[ids, list(quest.targets)].to_numpy(), values)


def test_a_constant_column_gets_an_order_within_the_range(tmp_path: Path) -> None:
    submission, working, inputs = open_submission(tmp_path, 5)
    values = np.linspace(0.2, 0.8, 5 * WIDTH).reshape(5, WIDTH)
    values[:, 3], values[:, 7] = 1.0, 0.25
    assert submission.write(values) == [quest.targets[3], quest.targets[7]]
    found = tiny_bundle.check_submission(working, inputs)
    assert found[quest.targets[7]].to_numpy() == pytest.approx(0.25, abs=1e-5)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -0.01, 1.01])
def test_values_that_cannot_be_submitted_leave_the_earlier_file(tmp_path: Path, wrong: float) -> None:
    submission, working, inputs = open_submission(tmp_path, 4)
    values = np.linspace(0.2, 0.8, 4 * WIDTH).reshape(4, WIDTH)
    submission.write(values)
    values[2, 5] = wrong
    with pytest.raises(SubmissionError, match=quest.targets[5]):
        submission.write(values)
    tiny_bundle.check_submission(working, inputs)


def test_predictions_of_another_shape_are_refused(tmp_path: Path) -> None:
    submission, *_ = open_submission(tmp_path, 4)
    with pytest.raises(SubmissionError, match="shape"):
        submission.write(np.zeros((3, WIDTH)))


@pytest.mark.parametrize("rows", [1, 2, 50])
def test_the_fallback_is_valid_even_without_fitted_numbers(tmp_path: Path, rows: int) -> None:
    submission, working, inputs = open_submission(tmp_path, rows)
    submission.write(submission.fallback())
    tiny_bundle.check_submission(working, inputs)


def test_one_row_is_never_constant() -> None:
    assert not constant_columns(np.zeros((1, 3))).any()
    assert constant_columns(np.zeros((2, 3))).all()


def test_ties_are_broken_in_the_signals_order_at_either_end_of_the_range() -> None:
    signal = np.array([0.5, 0.0, 1.0])
    for value in (0.0, 0.3, 1.0):
        broken = break_ties(np.full((3, 1), value), signal, 0.0, 1.0)[:, 0]
        assert list(np.argsort(broken)) == [1, 0, 2]
        assert ((broken >= 0) & (broken <= 1)).all()
