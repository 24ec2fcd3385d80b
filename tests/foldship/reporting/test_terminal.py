"""Tables are read at any width: ids stay whole, and no line is longer than the terminal."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from foldship.reporting import bundle_tables, kaggle_tables, run_tables, score_tables, tables, terminal
from foldship.reporting.tables import Table

WIDTHS = (60, 80, 120)


def printed(table: Table, width: int) -> list[str]:
    stream = io.StringIO()
    terminal.show(table, Console(file=stream, width=width, color_system=None))
    assert "\x1b" not in stream.getvalue() and "\r" not in stream.getvalue()
    return stream.getvalue().splitlines()


def readable(table: Table, width: int) -> None:
    """No line is too long; names, numbers, and each word that fits into a line stand there whole."""
    lines = printed(table, width)
    assert all(cell_len(line) <= width for line in lines), max(lines, key=cell_len)
    for row in table.rows:
        if cell_len(row[0]) <= width - terminal.APART:
            assert any(row[0].rstrip() in line for line in lines), row[0]
        for place, cell in enumerate(row):
            kept = cell.split() if place in table.left or place == 0 else [cell.strip()]
            for word in kept:
                if cell_len(word) <= width - 4 * len(terminal.INDENT):
                    assert any(word in line for line in lines), word


def every_table(build: Path) -> list[Table | None]:
    def load(path: str) -> Any:
        return json.loads((build / path).read_text())

    selection, verdict, manifest = (
        load(path) for path in ("selection/selection.json", "simulation/verdict.json", "dataset/bundle.json")
    )
    long_id = "20261128-204304-quest-ablation-of-everything-0123456789abcdef"
    rules = {"dataset state": {"level": "warning", "seen": f"someone/{long_id} " * 3, "remedy": "wait " * 30}}
    house = {
        "entries": [
            {
                "wheel": f"{long_id}-cp312-cp312-manylinux_2_28_x86_64.whl",
                "size": 1 << 20,
                "image": "kaggle-gpu",
                "python": "3.12",
                "why": "onnxruntime needs it " * 4,
            }
        ],
        "proven": ["kaggle-gpu"],
    }
    scores = {"columns": 30, "nested": 0.4, "raw": 0.39}
    run = {
        "run": long_id,
        "finished": "2026-11-28T20:43:04",
        "recipe": "ablation/with-a-long-name",
        "trained": {"minilm-siamese": {}, "roberta": {}},
        "truth": "truth-0123456789",
        "config": {"folds": {"count": 5}, "models": {}},
        "rows": 6079,
        "scores": {"all": scores, "without_rare": {**scores, "columns": 29}},
    }
    return [
        *(show(selection) for show in (score_tables.summary, score_tables.trials, score_tables.bands)),
        *(show(selection) for show in (score_tables.folds, score_tables.columns_by_fold)),
        score_tables.columns(selection),
        tables.parity([load("export/one/parity.json")]),
        tables.score_against_time(load("schedule/schedule.json")),
        *(show(verdict) for show in (tables.checks, tables.phases, tables.projection)),
        *(show(manifest) for show in (bundle_tables.sizes, bundle_tables.weights, bundle_tables.licences)),
        bundle_tables.wheelhouse(house),
        kaggle_tables.diagnosis({"passed": True, "rules": rules}),
        run_tables.board([run, run]),
    ]


@pytest.mark.parametrize("width", WIDTHS)
def test_every_table_can_be_read_at_any_width(build: Path, width: int) -> None:
    shown = [table for table in every_table(build) if table is not None]
    assert len(shown) > 12
    for table in shown:
        readable(table, width)


WORDS = st.lists(st.text("abcde가0-_", min_size=1, max_size=70), max_size=9).map(" ".join)
NUMBERS = st.sampled_from(["", "-", "0.4321", "1,234,567", "+0.0001 to +0.0123"])


@st.composite
def any_table(draw: st.DrawFn) -> Table:
    count = draw(st.integers(1, 9))
    left = draw(st.frozensets(st.integers(1, 8), max_size=4))
    rows = draw(
        st.lists(
            st.tuples(
                st.text("abcde가0-_/ ", min_size=1, max_size=40).map(str.strip),
                *(WORDS if place in left else NUMBERS for place in range(1, count)),
            ),
            max_size=5,
        )
    )
    header = tuple(f"column {place}" for place in range(count))
    return Table("a title", header, tuple(rows), draw(WORDS), left=left, alarming=frozenset({0}))


@settings(derandomize=True, max_examples=100, deadline=None, phases=[Phase.generate])
@given(any_table(), st.integers(50, 200))
def test_any_table_can_be_read(table: Table, width: int) -> None:
    readable(table, width)


@pytest.mark.parametrize("variable", [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_a_terminal_without_colours_gets_none(
    variable: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    table = Table("a title", ("a", "b"), (("one", "2"),), "caption", alarming=frozenset({0}))
    terminal.show(table)
    assert "\x1b[" in stream.getvalue()
    stream.truncate(0)
    monkeypatch.setenv(*variable)
    terminal.show(table)
    assert "one" in stream.getvalue() and "\x1b" not in stream.getvalue()
