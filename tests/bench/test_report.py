from __future__ import annotations

from pathlib import Path

import pytest

from bench import report
from bench.machine import Stamp
from bench.report import Report
from foldship.reporting.tables import Table

TABLE = Table("T", ("a", "b"), (("x", "1"), ("y", "2")), "How to read it", frozenset({1}), frozenset({0}))
MEASURED = Report(
    "speed", "Speed", {"a_vs_b": 2.0}, (TABLE,), ("a note",), stamp=Stamp("m", "c", "make", "d")
)


def test_a_ratio_above_one_means_that_we_need_less() -> None:
    assert report.ratio("speed_fp32", "optimum", ours=2.0, theirs=5.0) == {"speed_fp32_vs_optimum": 2.5}


@pytest.mark.parametrize(
    ("what", "peer"),
    [("Speed", "optimum"), ("speed fp32", "optimum"), ("a_vs_b", "c"), ("a", "vs_b"), ("", "b")],
)
def test_names_are_words_with_one_vs_between_them(what: str, peer: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        report.ratio(what, peer, ours=1.0, theirs=1.0)


@pytest.mark.parametrize("cost", [0.0, -1.0, float("nan"), float("inf")])
def test_what_is_no_cost_makes_no_ratio(cost: float) -> None:
    with pytest.raises(ValueError, match="no cost"):
        report.ratio("a", "b", ours=1.0, theirs=cost)
    with pytest.raises(ValueError, match="no cost"):
        report.ratio("a", "b", ours=cost, theirs=1.0)


def test_reports_come_back_as_they_were_written(tmp_path: Path) -> None:
    MEASURED.save(tmp_path)
    assert report.load_all(tmp_path, ("repeats", "speed")) == [MEASURED]


def test_a_skipped_suite_leaves_earlier_results_alone(tmp_path: Path) -> None:
    skipped = Report("speed", "Speed", {}, skipped="no device")
    skipped.save(tmp_path)
    assert report.load_all(tmp_path, ("speed",)) == [skipped]
    MEASURED.save(tmp_path)
    skipped.save(tmp_path)
    assert report.load_all(tmp_path, ("speed",)) == [MEASURED]
