from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from foldship.reporting import score_tables, tables, terminal


def load(build: Path, path: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((build / path).read_text())
    return value


def test_summary_sets_models_beside_the_blend(build: Path) -> None:
    table = score_tables.summary(load(build, "selection/selection.json"))
    assert table.header == ("what", "weight", "3 columns", "2 columns")
    assert table.rows[0] == ("one", "0.5000", "0.3100", "0.4100")
    assert table.rows[-1] == ("post-processed, nested", "", "0.3500", "0.4500")
    assert "Left out of the 2: rare." in table.caption


def test_every_column_is_shown_in_every_fold(build: Path) -> None:
    table = score_tables.columns_by_fold(load(build, "selection/selection.json"))
    assert table.header == ("target", "fold 0", "fold 1")
    assert table.rows[1] == ("seldom", "0.2100", tables.NOTHING)


def test_columns_show_gain_and_step_and_admit_what_is_unknown(build: Path) -> None:
    table = score_tables.columns(load(build, "selection/selection.json"))
    assert table.rows[1] == ("seldom", "0.2100", "0.3100", "+0.1000", "clip low 0.25")
    assert table.rows[2] == ("rare", "-", "-", "-", "")


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"kind": "floor", "target": "a", "parts": 30}, "floor parts 30"),
        ({"kind": "levels", "levels": [0.0, 1.0], "shares": [0.5, 0.5]}, "levels 2 levels 2 shares"),
        ({"kind": "thresholds", "groups": [[None, 0.5]]}, "thresholds 1 groups"),
        (None, ""),
    ],
)
def test_a_step_of_any_kind_is_put_in_words(step: dict[str, Any] | None, words: str) -> None:
    assert tables.step(step) == words


def test_folds_are_one_row_each(build: Path) -> None:
    table = score_tables.folds(load(build, "selection/selection.json"))
    assert table.rows[1] == ("1", "11", "0.3000", "0.4000", "0.5000", "-")


def test_a_rung_beyond_its_tolerance_is_alarming(build: Path) -> None:
    table = tables.parity([load(build, "export/one/parity.json")])
    assert table.alarming == {1}
    assert table.rows[1] == ("one", "0", "fp16", "4.0e-03", "3e-03")
    assert table.rows[2][3] == "0.999990"


def test_engines_are_compared_with_the_first_and_what_was_not_seen_is_admitted() -> None:
    unseen = {"tokens_per_second": None, "difference": None, "spearman": None, "trained_spearman": None}
    trials = [
        {**unseen, "engine": "plain", "tokens_per_second": 2000.0, "verdict": "slower than fast"},
        {
            "engine": "fast",
            "tokens_per_second": 5000.0,
            "difference": 0.003,
            "spearman": 0.39,
            "trained_spearman": 0.4,
            "verdict": "chosen",
        },
        {**unseen, "engine": "absent", "verdict": "cannot be used here"},
    ]
    table = tables.cpu_engines({"one": {"cpu_engines": trials}})
    assert table.rows == (
        ("one", "plain", "2,000", "1.00", "-", "-", "slower than fast"),
        ("one", "fast", "5,000", "2.50", "3.0e-03", "0.3900", "chosen"),
        ("one", "absent", "-", "-", "-", "-", "cannot be used here"),
    )
    assert "one 0.4000" in table.caption


def test_seconds_add_up_and_scores_gain_along_the_schedule(build: Path) -> None:
    table = tables.score_against_time(load(build, "schedule/schedule.json"))
    assert table.rows == (
        ("one fold 0", "20.00", "20.00", "0.3100", "-"),
        ("two fold 0", "30.00", "50.00", "0.3500", "+0.0400"),
        ("one fold 1", "20.00", "70.00", "0.3500", "+0.0000"),
    )
    assert table.caption.endswith("Note: few <rows>.")


def test_failed_checks_are_alarming_and_phases_add_the_whole_run(build: Path) -> None:
    verdict = load(build, "simulation/verdict.json")
    table = tables.checks(verdict)
    assert table.title == "Rehearsal: FAILED, 1 of 2"
    assert table.alarming == {1}
    assert table.rows[1] == ("finite", "FAILED", "1 NaN", "see the log")
    odd = {"passed": True, "warned": True, "seen": "one byte", "remedy": "look"}
    warned = tables.checks({**verdict, "passed": True, "checks": {"files": odd}})
    assert warned.title == "Rehearsal: all checks passed, 1 with a warning"
    assert warned.rows == (("files", "warning", "one byte", "look"),) and warned.alarming == {0}
    assert tables.phases(verdict).rows == (("encode", "1.2"), ("all, start to end", "12.3"))
    assert tables.phases({**verdict, "seconds": None}).rows == (("encode", "1.2"),)


def test_a_projection_is_shown_fold_by_fold_and_told_in_a_sentence(build: Path) -> None:
    verdict = load(build, "simulation/verdict.json")
    table = tables.projection(verdict)
    assert table is not None
    assert table.title == "Projection: 3,000 rows on t4x2"
    assert table.header == ("fold", "done after s, t4x2", "expected score")
    assert table.rows == (("one fold 0", "50.0", "0.4000"), ("two fold 0", "1,130.0", tables.NOTHING))
    assert table.alarming == {1}  # it comes after the limit
    assert table.caption == (
        "On t4x2, 3,000 rows take about 95 s (at worst 150 s) of 120 s: margin 19%. Expected score 0.41. "
        "This run itself was projected with an error of -4%."
    )
    slower = [
        {**step, "seconds": 9 * step["seconds"]} for step in verdict["projection"]["score_against_time"]
    ]
    without = {**verdict["projection"], "profile": "cpu", "seconds": 800.0, "score_against_time": slower}
    del without["measured_error"]
    both = tables.projection({**verdict, "projection": {**verdict["projection"], "without_gpu": without}})
    assert both is not None and both.title == "Projection: 3,000 rows on t4x2 and on cpu"
    assert both.rows[0] == ("one fold 0", "50.0", "450.0", "0.4000")
    assert "error of -4%. Should it get no GPU: On cpu, 3,000 rows take about 800 s" in both.caption
    unknown = {**verdict["projection"], "expected_score": None, "measured_error": None}
    assert tables.outlook(unknown).endswith("margin 19%.")
    assert tables.projection({**verdict, "projection": None}) is None


@pytest.mark.parametrize(
    "make", [score_tables.summary, score_tables.columns, score_tables.columns_by_fold, score_tables.folds]
)
def test_every_row_is_as_wide_as_the_header(build: Path, make: Callable[[Any], tables.Table]) -> None:
    table = make(load(build, "selection/selection.json"))
    assert {len(row) for row in table.rows} == {len(table.header)}


def test_the_terminal_shows_brackets_as_they_are() -> None:
    stream = io.StringIO()
    table = tables.Table("A [title]", ("what", "number"), (("[red]x[/red]", "1.0"),), "caption [b]")
    terminal.show(table, Console(file=stream, width=60))
    shown = stream.getvalue()
    assert all(text in shown for text in ("A [title]", "[red]x[/red]", "1.0", "caption [b]"))
