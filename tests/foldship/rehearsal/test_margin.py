from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from foldship.levels import Level
from foldship.rehearsal import judgement
from foldship.rehearsal.checks import margin
from foldship.rehearsal.evidence import Evidence, Finding, Outlook, Promise
from foldship_kernel.errors import FoldshipError

PROJECTION = {"profile": "t4x2", "rows": 3000, "limit_s": 7200.0, "margin": 0.25, "fits_memory": True}


def judge(outlook: Outlook | None) -> Finding:
    # The rule looks at nothing else.
    return margin.check(cast(Evidence, SimpleNamespace(outlook=outlook)))


@pytest.mark.parametrize(("least", "passed"), [(0.25, True), (0.26, False)])
def test_the_margin_is_held_to_what_is_wanted(least: float, passed: bool) -> None:
    finding = judge(Outlook(PROJECTION, "", least, asked=False))
    assert finding.passed is passed
    assert finding.seen.startswith("25% of 7200 s on t4x2, for 3,000 rows")
    assert bool(finding.remedy) is not passed


def test_weights_that_fit_into_no_memory_fail() -> None:
    finding = judge(Outlook({**PROJECTION, "fits_memory": False}, "", 0.2, asked=False))
    assert not finding.passed and "memory of t4x2" in finding.seen and finding.remedy


@pytest.mark.parametrize("asked", [True, False])
def test_no_projection_fails_only_where_one_was_asked_for(asked: bool) -> None:
    finding = judge(Outlook(None, "no fold ran", 0.2, asked))
    assert finding.passed is (False if asked else None)
    assert "no fold ran" in finding.seen and finding.remedy


def test_without_a_promise_there_is_nothing_to_hold_to() -> None:
    assert judge(None).level is Level.NOT_ASKED


def test_what_cannot_be_projected_is_told_with_what_was_found() -> None:
    def refuse(rows: int, summary: Mapping[str, Any], seconds: float | None) -> Mapping[str, Any]:
        raise FoldshipError("no cost", found=f"{rows} rows, {seconds} s, {summary}")

    outlook = judgement._outlook(Promise(refuse, 0.2, asked=True), 7, {"a": 1}, None)
    assert outlook == Outlook(None, "no cost: 7 rows, None s, {'a': 1}", 0.2, asked=True)
