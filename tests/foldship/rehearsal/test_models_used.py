from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from foldship.rehearsal.checks import models_used
from foldship.rehearsal.evidence import Evidence, Finding

LATE, DAMAGED = "no time: it needs 9 s of 8 s left", "damaged: weights.bin"


def judge(dataset: Path, summary: dict[str, Any]) -> Finding:
    """The rule's finding on a bundle of two folds."""
    folds = [{"fold": 0}, {"fold": 1}]
    (dataset / "bundle.json").write_text(json.dumps({"models": [{"name": "m", "folds": folds}]}))
    # The rule looks at nothing else.
    evidence = cast(Evidence, SimpleNamespace(dataset=dataset, summary=summary))
    return models_used.check(evidence)


@pytest.mark.parametrize("left_out", [{}, {"m fold 1": LATE}])
def test_folds_that_are_all_used_or_were_shed_for_time_pass(tmp_path: Path, left_out: dict[str, str]) -> None:
    used = [name for name in ("m fold 0", "m fold 1") if name not in left_out]
    assert judge(tmp_path, {"folds_used": used, "folds_left_out": left_out}).passed


def test_a_fold_that_the_kernel_forgot_fails(tmp_path: Path) -> None:
    finding = judge(tmp_path, {"folds_used": ["m fold 0"], "folds_left_out": {}})
    assert not finding.passed
    assert "m fold 1" in finding.seen and finding.remedy


@pytest.mark.parametrize(
    "summary",
    [
        {},
        {"folds_used": [], "folds_left_out": {"m fold 0": LATE, "m fold 1": LATE}},
        {"folds_used": ["m fold 0"], "folds_left_out": {"m fold 1": DAMAGED}},
    ],
)
def test_no_account_a_fallback_and_damage_fail(tmp_path: Path, summary: dict[str, Any]) -> None:
    assert not judge(tmp_path, summary).passed


def test_a_fold_that_was_read_shorter_is_named(tmp_path: Path) -> None:
    used = ["m fold 0", "m fold 1"]
    finding = judge(tmp_path, {"folds_used": used, "folds_left_out": {}, "folds_cut": used[1:]})
    assert finding.passed and "read shorter for want of time: m fold 1" in finding.seen
