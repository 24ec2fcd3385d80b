from __future__ import annotations

import json
from pathlib import Path

import pytest

from foldship_kernel import deadline
from foldship_kernel.errors import BundleError, FoldshipError


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps({"limit_s": 7200}))
    return path


def test_the_variable_goes_before_the_manifest(manifest: Path) -> None:
    assert deadline.limit_s({"FOLDSHIP_LIMIT_S": " 90.5 "}, manifest) == 90.5
    assert deadline.limit_s({"FOLDSHIP_LIMIT_S": ""}, manifest) == 7200
    assert deadline.limit_s({}, manifest) == 7200


@pytest.mark.parametrize("text", ["soon", "0", "-5", "nan", "inf"])
def test_a_limit_that_is_no_positive_number_is_refused(manifest: Path, text: str) -> None:
    with pytest.raises(FoldshipError, match="FOLDSHIP_LIMIT_S") as error:
        deadline.limit_s({"FOLDSHIP_LIMIT_S": text}, manifest)
    assert text in str(error.value)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"limit_s":'])
def test_a_manifest_without_a_limit_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bundle.json"
    path.write_text(content)
    with pytest.raises(BundleError, match="limit"):
        deadline.limit_s({}, path)


@pytest.mark.parametrize("limit", [0.5, 3, 60, 7200, 32400])
def test_planned_work_ends_before_the_stop_and_the_stop_before_the_limit(limit: float) -> None:
    clock = deadline.Deadline(start=1000.0, limit_s=limit, clock=lambda: 1000.0)
    assert 0 < clock.left_s() < clock.left_to_stop_s() < limit
    assert clock.reserve_s <= 60


def test_time_left_shrinks_as_the_clock_runs() -> None:
    clock = deadline.Deadline(start=100.0, limit_s=1000.0, clock=lambda: 400.0)
    assert clock.elapsed_s() == 300
    assert clock.left_to_stop_s() == 1000 - 20 - 300
    assert clock.left_s() == 1000 - 40 - 300
