"""A valid submission in the first tenth of a second, before anything slow is imported.

On a busy machine the import of pandas alone can outlast a short run-time limit. Standard library only.
"""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from foldship_kernel import encodings, locate, magic, opening
from foldship_kernel.errors import DataError

# Distinct values per column: few, so that their texts are made once and not row by row.
LEVELS = 65
UNNAMED = "Unnamed: "  # what pandas calls a column without a name, which only numbers rows


def write(manifest: Path, inputs: Path, submission: Path) -> bool:
    """Write what the training rows are like on average: each target's mean, spread a little over the rows so
    that no column is constant; the commonest class.

    Only the template is read, line by line, and not checked against the test rows: that is left to the proper
    reading of the competition's files, as is a template that is odd, and a competition without one. Columns
    that nobody declared are kept as they are.

    Args:
        manifest: path of `bundle.json`, read for its "task" and "fallback".
        inputs: folder to search for the template.
        submission: file to write, as a whole.

    Returns:
        Whether it was written: False without a template that fits, or with an unreadable manifest.
    """
    try:
        value = json.loads(manifest.read_text(encoding="utf-8"))
        task, fallback = value["task"], value["fallback"]
        encoding = task.get("encoding", encodings.UTF8)
        cells = {column: _levels(what, task, fallback) for column, what in task["submission"].items()}
        for folder in locate.holding(inputs, [task["template"]]) if task["template"] else []:
            try:
                with replacing(submission) as stream:
                    _fill(opening.source(folder / task["template"], encoding), task["id"], cells, stream)
                return True
            except (DataError, OSError, ValueError, csv.Error):
                continue  # another data set's: it must not end the search
    except (OSError, ValueError, KeyError, TypeError):
        pass  # the proper reading meets the same trouble, and reports it
    return False


def _fill(template: opening.Source, id_column: str, cells: Mapping[str, Sequence[str]], out: TextIO) -> None:
    """Write the template with its columns filled by level; ValueError if it does not fit."""
    layout = template.layout
    if layout.kind != magic.DELIMITED:
        raise ValueError("not as quick to read")
    csv.field_size_limit(sys.maxsize)
    with template.open() as packed, io.TextIOWrapper(packed, template.encoding, newline="") as stream:
        rows = (
            row
            for row in csv.reader(stream, delimiter=layout.delimiter, skipinitialspace=layout.spaced)
            if any(row)
        )
        names = [name.strip() for name in next(rows, [])]
        if not {id_column, *cells} <= set(names):
            raise ValueError("other columns")
        named = [place for place, name in enumerate(names) if name and not name.startswith(UNNAMED)]
        places = sorted(named, key=lambda place: names[place] != id_column)  # the id first, as ever
        if len({names[place] for place in places}) < len(places):
            raise ValueError("a column twice")
        levels = [
            {place: cells[names[place]][level] for place in places if names[place] in cells}
            for level in range(LEVELS)
        ]
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


def _levels(what: str, task: Mapping[str, Any], fallback: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Texts of a column, one by level; `foldship_kernel.tasks.layout` would take too long to import."""
    spellings = task.get("spellings", {})
    if what in fallback:
        mean, spread = fallback[what]["mean"], fallback[what]["spread"]
        if rule := task.get("decision"):
            return [_decided(rule, mean, spellings.get(what, {}))] * LEVELS
        return [f"{mean + spread * (2 * level / (LEVELS - 1) - 1):.9g}" for level in range(LEVELS)]
    means = {name: entry["mean"] for name, entry in fallback.items()}
    if what == "probabilities":
        total = sum(means.values())
        return [f"[{', '.join(f'{mean / total:.6f}' for mean in means.values())}]"] * LEVELS
    likeliest = sorted(means, key=lambda name: -means[name])
    count = 1 if what == "class" else int(what.removeprefix("top:"))  # ValueError: no such target
    return [" ".join(spellings.get(name, {}).get("", name) for name in likeliest[:count])] * LEVELS


def _decided(rule: str, mean: float, known: Mapping[str, str]) -> str:
    """What a mean is decided to be, and how that is spelt; see `foldship_kernel.decisions`."""
    name = str(int(mean > 0.5) if rule == "side" else math.floor(mean + 0.5))
    if known and name not in known:
        name = min(known, key=lambda other: abs(float(other) - mean))
    return known.get(name, name)


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
