"""What the kernel says while it runs: a log for people, and the same facts as JSON for programs."""

from __future__ import annotations

import resource
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from foldship_kernel.atomic import write_json
from foldship_kernel.deadline import Deadline
from foldship_kernel.mended import Mended

FILE_NAME = "foldship.json"


class Journal:
    """Log lines with the time since the kernel's start, phases, and notes that must not be overlooked.

    Args:
        path: where `save` writes the JSON.
        deadline: the clock of the run.

    Attributes:
        phases: seconds by name of the phase, in the order they began.
        notes: everything that did not go as planned.
        facts: anything else worth keeping, JSON-like.
        runs: one record per fold that ran to its end: what it read, where, and how long it took.
    """

    def __init__(self, path: Path, deadline: Deadline) -> None:
        self._path = path
        self._deadline = deadline
        self.phases: dict[str, float] = {}
        self.notes: list[str] = []
        self.facts: dict[str, Any] = {}
        self.runs: list[dict[str, Any]] = []

    def say(self, text: str) -> None:
        stamp = f"[{self._deadline.elapsed_s():8.1f} s]"
        for number, line in enumerate(text.splitlines()):
            print(stamp if number == 0 else " " * len(stamp), line, flush=True)

    def loud(self, text: str) -> None:
        """Say `text` so that it stands out, and keep it as a note."""
        self.notes.append(text)
        self.say("!" * 80)
        self.say(text)
        self.say("!" * 80)

    def mended(self, found: Sequence[Mended]) -> None:
        """Keep as a fact what was odd in the competition's files, and say it loudly."""
        self.facts["mended"] = [one.as_dict() for one in found]
        if found:
            lines = "\n".join(f"  {one}" for one in found)
            self.loud(f"THE COMPETITION'S FILES ARE ODD, AND WERE READ AS WELL AS CAN BE:\n{lines}")

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the block's seconds to the phase `name`."""
        began = self._deadline.now()
        self.phases.setdefault(name, 0.0)
        try:
            yield
        finally:
            self.phases[name] += self._deadline.now() - began

    def save(self, status: str) -> None:
        """Write all facts so far; `status` is "running", "complete", "partial" or "fallback"."""
        try:
            write_json(
                self._path,
                {
                    "status": status,
                    **self.facts,
                    "runs": self.runs,
                    "notes": self.notes,
                    "phases": {name: round(seconds, 3) for name, seconds in self.phases.items()},
                    "seconds": round(self._deadline.elapsed_s(), 3),
                    "limit_s": self._deadline.limit_s,
                    "peak_memory_gib": round(peak_memory_gib(), 3),
                },
            )
        except OSError as error:  # a full disk must not cost the submission
            self.say(f"{self._path} cannot be written: {error}")

    def table(self) -> str:
        """The phases as lines of text, with the share of the limit they took."""
        rows: Mapping[str, float] = {**self.phases, "all": self._deadline.elapsed_s()}
        width = max(len(name) for name in rows)
        return "\n".join(
            f"{name:<{width}}  {seconds:9.2f} s  {seconds / self._deadline.limit_s:6.1%} of the limit"
            for name, seconds in rows.items()
        )


def peak_memory_gib() -> float:
    """Largest resident memory of this process so far, in GiB (Linux counts it in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
