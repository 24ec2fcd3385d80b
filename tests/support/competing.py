"""A small competition of one's own, declared and with its files, for questions about these."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from foldship import competitions
from foldship.competitions.base import Competition
from foldship.preflight import Answers, matching

NUMBERS = {"id": "id", "texts": ["text"], "targets": {"columns": ["score"]}, "metric": "rmse"}
CLASSES = {
    "id": "id",
    "texts": ["text"],
    "targets": {"column": "kind", "classes": ["low", "high"]},
    "metric": "macro_f1",
}
TRAIN = {"id": ["a", "b", "c", "d"], "text": ["one", "two", "three", "four"]}
TEST = {"id": ["x", "y"], "text": ["five", "six"]}
Table = Mapping[str, Sequence[object]]


def declare(folder: Path, declaration: Mapping[str, Any], **changes: Any) -> Competition:
    """The competition that a declaration, with some keys changed, makes."""
    place = folder / "kernels" / "some"
    place.mkdir(parents=True, exist_ok=True)
    (place / "competition.yaml").write_text(yaml.safe_dump({**declaration, **changes}))
    return competitions.get(place.parent, place.name)


def write(path: Path, table: Table) -> None:
    """A table as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([list(table), *zip(*table.values(), strict=True)])


def files(folder: Path, competition: Competition, **tables: Table) -> Path:
    """A folder with the competition's files; what is not given fits the declaration, `{}` is left out."""
    targets = competition.declared.targets
    answers = (
        {targets.column: ["low", "high"] * 2}
        if targets.column
        else {name: [0, 1, 0.5, 0] for name in targets.columns}
    )
    layout = competition.declared.layout
    cell = "low" if targets.column else "0.5"
    made: dict[str, Table] = {
        "train": {**TRAIN, **answers},
        "test": TEST,
        "sample": {"id": TEST["id"], **dict.fromkeys(layout, [cell] * 2)},
    }
    names = {"train": "train.csv", "test": "test.csv", "sample": "sample_submission.csv"}
    for key, table in {**made, **tables}.items():
        if table:
            write(folder / names[key], table)
    return folder


def matched(competition: Competition, folder: Path, *, needed: bool = True) -> Answers:
    """What is said of the files."""
    answers = Answers()
    rows = answers.of(competition.read_train, folder)
    answers.ask(matching.match, competition, folder, rows, needed=needed)
    return answers
