"""A valid submission in the first tenth of a second, before anything slow is imported.

On a busy machine the import of pandas alone can outlast a short run-time limit. Standard library only.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from foldship_kernel import locate

TEMPLATE = "sample_submission.csv"


def write(manifest: Path, inputs: Path, submission: Path) -> bool:
    """Write each target's training mean, spread over the rows in their order so that no column is constant.

    Serves competitions whose submission holds an id and a number per target. Only the template is read, and
    not checked against the test rows: that is left to the proper reading of the competition's files.

    Args:
        manifest: path of `bundle.json`, read for its "fallback".
        inputs: folder to search for the template.
        submission: file to write, as a whole.

    Returns:
        Whether it was written: False without a template that fits, or with an unreadable manifest.
    """
    try:
        fallback = json.loads(manifest.read_text(encoding="utf-8"))["fallback"]
        for folder in locate.holding(inputs, [TEMPLATE]):
            table = _fill(folder / TEMPLATE, fallback)
            if table:
                _replace(submission, table)
                return True
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        pass  # the proper reading meets the same trouble, and reports it
    return False


def _fill(template: Path, fallback: Mapping[str, Mapping[str, float]]) -> list[Sequence[object]]:
    """The template with its target columns filled, header first; empty if its columns do not fit."""
    csv.field_size_limit(sys.maxsize)
    with template.open(encoding="utf-8-sig", newline="") as stream:
        header, *rows = [row for row in csv.reader(stream) if any(row)]
    names = [name.strip() for name in header]
    ids = [n for n in names if n not in fallback and n and not n.startswith("Unnamed:")]
    if (
        not rows
        or len(ids) != 1
        or not set(fallback) <= set(names)
        or {len(row) for row in rows} != {len(names)}
    ):
        return []
    places = [place for place, name in enumerate(names) if name in fallback or name == ids[0]]
    table: list[Sequence[object]] = [[names[place] for place in places]]
    for number, row in enumerate(rows):
        signal = 2 * number / max(1, len(rows) - 1) - 1
        table.append([_value(row[p], fallback.get(names[p]), signal) for p in places])
    return table


def _value(found: str, entry: Mapping[str, float] | None, signal: float) -> object:
    return found if entry is None else entry["mean"] + entry["spread"] * signal


def _replace(path: Path, table: Sequence[Sequence[object]]) -> None:
    # `atomic` would do this, but needs pandas.
    temporary = path.with_name(f".{path.name}.stopgap")
    with temporary.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(table)
    temporary.replace(path)
