"""What a suite found: ratios for programs, tables and notes for people."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.machine import Stamp
from foldship.reporting.tables import Table
from foldship_kernel.atomic import write_json

_NAME = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")


@dataclass(frozen=True)
class Report:
    """What a suite found.

    Attributes:
        suite: its name.
        title: of its section.
        ratios: by name `<what>_vs_<peer>`; above 1 means that we are faster, smaller or better.
        tables: to show.
        notes: what was measured and how, a sentence or two each.
        skipped: why nothing could be measured, empty if it was.
        stamp: where the numbers come from; set when the suite is done.
    """

    suite: str
    title: str
    ratios: dict[str, float]
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    skipped: str = ""
    stamp: Stamp | None = None

    def save(self, folder: Path) -> None:
        """Write it to `<suite>.json`. A suite that was skipped leaves earlier results alone."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.suite}.json"
        if self.skipped and path.is_file() and not load(path).skipped:
            return
        value = asdict(self)
        for table in value["tables"]:
            for name in ("left", "alarming"):
                table[name] = sorted(table[name])
        write_json(path, value)


def load(path: Path) -> Report:
    """Read what `Report.save` wrote."""
    value = json.loads(path.read_text(encoding="utf-8"))
    tables = tuple(
        Table(
            title=table["title"],
            header=tuple(table["header"]),
            rows=tuple(tuple(row) for row in table["rows"]),
            caption=table["caption"],
            left=frozenset(table["left"]),
            alarming=frozenset(table["alarming"]),
        )
        for table in value["tables"]
    )
    stamp = value["stamp"] and Stamp(**value["stamp"])
    return Report(**{**value, "tables": tables, "notes": tuple(value["notes"]), "stamp": stamp})


def load_all(folder: Path, suites: Sequence[str]) -> list[Report]:
    """The reports that are there, in the order of `suites`."""
    paths = (folder / f"{name}.json" for name in suites)
    return [load(path) for path in paths if path.is_file()]


def ratio(what: str, peer: str, *, ours: float, theirs: float) -> dict[str, float]:
    """The entry `<what>_vs_<peer>` for a cost (seconds, bytes): how many times less we need.

    Args:
        what: what was measured, lower-case words with underscores between them; so is `peer`.
        peer: what it is compared with.
        ours, theirs: the costs, positive.

    Raises:
        ValueError: a name or a cost is none of those.
    """
    for word in (what, peer):
        if not _NAME.fullmatch(word) or "_vs_" in f"_{word}_":
            raise ValueError(f"no name for a ratio: {word!r}")
    for cost in (ours, theirs):
        if not (math.isfinite(cost) and cost > 0):
            raise ValueError(f"{what}: no cost: {cost}")
    return {f"{what}_vs_{peer}": theirs / ours}
