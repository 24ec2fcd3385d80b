"""`results.json` for programs and `RESULTS.md` for people, from the suites' reports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bench.report import Report
from foldship.reporting.tables import Table

SUMMARY = "Ratios"
ABOVE_ONE = "Above 1 we are faster, smaller or better."


def results(reports: Sequence[Report]) -> dict[str, Any]:
    """A flat object: every ratio, and `machine`, `commit` and `command`."""
    stamps = [report.stamp for report in reports if report.stamp and not report.skipped]
    return {
        **{name: value for report in reports for name, value in report.ratios.items()},
        "machine": _distinct(stamp.machine for stamp in stamps),
        "commit": _distinct(stamp.commit for stamp in stamps),
        "command": _distinct(stamp.command for stamp in stamps),
    }


def summary(reports: Sequence[Report]) -> Table:
    """All ratios as one table."""
    return Table(
        SUMMARY,
        ("what", "against", "ratio"),
        tuple(
            (*name.split("_vs_"), f"{value:.2f}")
            for report in reports
            for name, value in report.ratios.items()
        ),
        ABOVE_ONE,
        left=frozenset({1}),
    )


def page(reports: Sequence[Report]) -> str:
    """`RESULTS.md`."""
    parts = [
        "# Results",
        "Written by `make bench`; do not edit. Ratios are of medians over rounds in which every contestant "
        f"runs once, so that a slow minute of the machine hits all alike. {ABOVE_ONE}",
        markdown(summary(reports)),
    ]
    for report in reports:
        parts.append(f"## {report.title}")
        if report.skipped:
            parts.append(f"Not measured: {report.skipped}.")
            continue
        if stamp := report.stamp:
            parts.append(f"{stamp.machine}. {stamp.date}, commit {stamp.commit}, `{stamp.command}`.")
        parts += [markdown(table) for table in report.tables]
        parts.append("\n".join(f"- {note}" for note in report.notes))
    return "\n\n".join(part for part in parts if part) + "\n"


def markdown(table: Table) -> str:
    """A table in Markdown, its title above and its caption below."""
    left = {0, *table.left}
    rule = (":--" if place in left else "--:" for place in range(len(table.header)))
    rows = (
        (f"**{cell}**" if cell and place in table.alarming else cell for cell in row)
        for place, row in enumerate(table.rows)
    )
    lines = [_line(table.header), _line(rule), *(_line(row) for row in rows)]
    title = "" if table.title == SUMMARY else f"### {table.title}\n\n"
    caption = f"\n\n{table.caption}" if table.caption and table.title != SUMMARY else ""
    return title + "\n".join(lines) + caption


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _distinct(values: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(values))
