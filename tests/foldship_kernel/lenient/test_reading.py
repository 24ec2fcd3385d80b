"""Whatever happened to valid files: all ids are there, and all rows that are whole are predicted."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from odd_files import Files, odd, predicted, valid


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(files=odd())
def test_rows_that_are_whole_are_predicted_whatever_became_of_the_others(files: Files) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files.write(Path(folder) / "input")
        submission, _ = predicted(Path(folder) / "input", Path(folder))
        files.check(submission)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(files=valid())
def test_well_formed_files_need_no_mending(files: Files) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files.write(Path(folder) / "input")
        submission, mended = predicted(Path(folder) / "input", Path(folder))
        files.check(submission)
        assert not mended
