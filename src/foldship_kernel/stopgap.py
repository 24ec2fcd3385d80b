"""A valid submission in the first tenth of a second, before anything slow is imported.

On a busy machine the import of pandas alone can outlast a short run-time limit. Standard library only.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from foldship_kernel import locate

TEMPLATE = "sample_submission.csv"
# Distinct values per column: few, so that their texts are made once and not row by row.
LEVELS = 65


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
            try:
                table = _fill(folder / TEMPLATE, fallback)
            except (OSError, ValueError, csv.Error):
                continue  # another data set's: it must not end the search
            if table:
                text = io.StringIO()
                csv.writer(text, lineterminator="\n").writerows(table)
                replace(submission, text.getvalue())
                return True
    except (OSError, ValueError, KeyError, TypeError):
        pass  # the proper reading meets the same trouble, and reports it
    return False


def _fill(template: Path, fallback: Mapping[str, Mapping[str, float]]) -> list[Sequence[str]]:
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
    levels = [_level(names, fallback, 2 * level / (LEVELS - 1) - 1) for level in range(LEVELS)]
    table: list[Sequence[str]] = [[names[place] for place in places]]
    for number, row in enumerate(rows):
        values = levels[number * (LEVELS - 1) // max(1, len(rows) - 1)]
        table.append([values.get(place, row[place]) for place in places])
    return table


def _level(
    names: Sequence[str], fallback: Mapping[str, Mapping[str, float]], signal: float
) -> dict[int, str]:
    """Texts of the target columns, by their place, for a row with this signal in [-1, 1]."""
    entries = {place: fallback[name] for place, name in enumerate(names) if name in fallback}
    return {place: f"{entry['mean'] + entry['spread'] * signal:.9g}" for place, entry in entries.items()}


def replace(path: Path, text: str) -> None:
    """Write `path` as a whole, or leave it as it was.

    `atomic` does so too, but needs pandas, and waits for the disk.

    Raises:
        OSError: it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.stopgap")
    try:
        temporary.write_text(text, encoding="utf-8", newline="")
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
