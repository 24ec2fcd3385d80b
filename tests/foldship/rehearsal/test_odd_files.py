"""What the kernel mended of the competition's files is a warning, and no failure."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from foldship.rehearsal.checks import odd_files


def run(told: object) -> Any:
    return SimpleNamespace(summary={"status": "complete", "mended": told})


def test_without_an_account_nobody_can_tell() -> None:
    found: Any = odd_files.check(SimpleNamespace(summary={}))  # type: ignore[arg-type]
    assert found.passed is None and found.remedy


@pytest.mark.parametrize("told", [None, [], "odd"])
def test_files_as_they_should_be(told: object) -> None:
    found = odd_files.check(run(told))
    assert found.passed and not found.warned and not found.remedy


def test_what_was_mended_is_told_with_count_and_first_row() -> None:
    found = odd_files.check(run([{"what": "test.csv: bytes", "count": 3, "first": "line 7, id a"}]))
    assert found.passed and found.warned and found.remedy
    assert found.seen == "test.csv: bytes (3, the first: line 7, id a)"
