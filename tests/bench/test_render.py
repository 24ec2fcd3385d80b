from __future__ import annotations

from bench import render
from bench.machine import Stamp
from bench.report import Report
from foldship.reporting.tables import Table

SPEED = Report(
    "speed",
    "Speed",
    {"speed_fp32_vs_optimum": 1.234, "flops_fp32_vs_matmul_peak": 0.5},
    (
        Table(
            "Vectors",
            ("engine", "type", "seconds"),
            (("a|b", "fp32", "1"), ("gone", "int8", "failed\nhere")),
            "A caption.",
            left=frozenset({1}),
            alarming=frozenset({1}),
        ),
    ),
    ("First note.", "Second note."),
    stamp=Stamp("two cores", "abc", "make bench", "2026-01-02"),
)
SCALING = Report(
    "scaling",
    "Scaling",
    {"memory_4_folds_vs_1_fold": 0.9},
    stamp=Stamp("two cores", "abc", "make bench", "d"),
)
GPU = Report("gpu", "GPU", {}, skipped="there is no CUDA device", stamp=Stamp("other", "other", "other", "d"))


def test_results_are_flat_numbers_and_their_origin() -> None:
    found = render.results([SPEED, SCALING, GPU])
    origin = {key: found.pop(key) for key in ("machine", "commit", "command")}
    assert origin == {"machine": "two cores", "commit": "abc", "command": "make bench"}
    assert found == {**SPEED.ratios, **SCALING.ratios}


def test_results_name_every_machine_they_come_from() -> None:
    other = Report("gpu", "GPU", {"a_vs_b": 1.0}, stamp=Stamp("a GPU", "abc", "make bench SUITES=gpu", "d"))
    found = render.results([SPEED, other])
    assert found["machine"] == "two cores; a GPU"
    assert found["commit"] == "abc"


def test_the_page_holds_every_ratio_table_note_and_reason() -> None:
    lines = render.page([SPEED, SCALING, GPU]).splitlines()
    assert lines[0] == "# Results"
    assert "| speed_fp32 | optimum | 1.23 |" in lines
    assert "| memory_4_folds | 1_fold | 0.90 |" in lines
    assert "two cores. 2026-01-02, commit abc, `make bench`." in lines
    assert "- Second note." in lines
    assert "Not measured: there is no CUDA device." in lines
    assert [line for line in lines if line.startswith("## ")] == ["## Speed", "## Scaling", "## GPU"]


def test_cells_keep_to_their_column_and_alarming_rows_stand_out() -> None:
    assert render.markdown(SPEED.tables[0]).splitlines() == [
        "### Vectors",
        "",
        "| engine | type | seconds |",
        "| :-- | :-- | --: |",
        "| a\\|b | fp32 | 1 |",
        "| **gone** | **int8** | **failed here** |",
        "",
        "A caption.",
    ]
