"""A valid submission in the first tenth of a second, before anything slow is imported.

On a busy machine the import of pandas alone can outlast a short run-time limit. Standard library only.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from foldship_kernel import locate

TEMPLATE = "sample_submission.csv"
# Distinct values per column: few, so that their texts are made once and not row by row.
LEVELS = 65


def write(manifest: Path, inputs: Path, submission: Path) -> bool:
    """Write each target's training mean, spread a little over the rows so that no column is constant.

    Serves competitions whose submission holds an id and a number per target. Only the template is read, line
    by line, and not checked against the test rows: that is left to the proper reading of the competition's
    files.

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
                with replacing(submission) as stream:
                    _fill(folder / TEMPLATE, fallback, stream)
                return True
            except (OSError, ValueError, csv.Error):
                continue  # another data set's: it must not end the search
    except (OSError, ValueError, KeyError, TypeError):
        pass  # the proper reading meets the same trouble, and reports it
    return False


def _fill(template: Path, fallback: Mapping[str, Mapping[str, float]], out: TextIO) -> None:
    """Write the template with its target columns filled; ValueError if it does not fit."""
    csv.field_size_limit(sys.maxsize)
    with template.open(encoding="utf-8-sig", newline="") as stream:
        rows = (row for row in csv.reader(stream) if any(row))
        names = [name.strip() for name in next(rows, [])]
        ids = [n for n in names if n not in fallback and n and not n.startswith("Unnamed:")]
        if len(ids) != 1 or not set(fallback) <= set(names):
            raise ValueError("other columns")
        places = [place for place, name in enumerate(names) if name in fallback or name == ids[0]]
        levels = [_level(names, fallback, 2 * level / (LEVELS - 1) - 1) for level in range(LEVELS)]
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([names[place] for place in places])
        number = 0
        for number, row in enumerate(rows, start=1):
            if len(row) != len(names):
                raise ValueError("rows of another width")
            values = levels[number * (LEVELS // 2) % LEVELS]  # the first row gets the mean
            writer.writerow([values.get(place, row[place]) for place in places])
        if not number:
            raise ValueError("no rows")


def _level(
    names: Sequence[str], fallback: Mapping[str, Mapping[str, float]], signal: float
) -> dict[int, str]:
    """Texts of the target columns, by their place, for a row with this signal in [-1, 1]."""
    entries = {place: fallback[name] for place, name in enumerate(names) if name in fallback}
    return {place: f"{entry['mean'] + entry['spread'] * signal:.9g}" for place, entry in entries.items()}


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """Yield a text stream whose content takes the place of `path`'s if the block ends well.

    `atomic` does so too, but needs pandas, and waits for the disk.

    Raises:
        OSError: it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.stopgap")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
