"""What is known about a run when it is judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from foldship.levels import Level
from foldship.rehearsal.sample import Sample
from foldship_kernel.tasks import Task


@dataclass(frozen=True)
class Finding:
    """What one rule says about a run.

    Attributes:
        name: of the rule.
        passed: whether it is kept; None where nobody could tell, or there is nothing to ask.
        seen: what was found, with numbers; of a rule that was not asked, why not.
        remedy: what to do about it; "" when there is nothing to do.
        warned: whether it is kept, and yet something should be looked at.
    """

    name: str
    passed: bool | None
    seen: str
    remedy: str = ""
    warned: bool = False

    @property
    def level(self) -> Level:
        """The answer in a word."""
        return Level.of(self.passed, warned=self.warned)


@dataclass(frozen=True)
class Promise:
    """What a run is taken to promise for another machine, and what is asked of that.

    Attributes:
        project: makes a projection (JSON-like, with "margin" among its entries) of the number of rows of the
            input, what the kernel wrote about itself, and its seconds or None; raises FoldshipError where
            none can be made.
        least_margin: share of the limit that must be left on that machine.
        asked: whether somebody asked for it, so that having none is a failure.
    """

    project: Callable[[int, Mapping[str, Any], float | None], Mapping[str, Any]]
    least_margin: float
    asked: bool


@dataclass(frozen=True)
class Outlook:
    """What came of a promise: the projection, or why there is none."""

    projection: Mapping[str, Any] | None
    problem: str
    least_margin: float
    asked: bool


@dataclass(frozen=True)
class Evidence:
    """A finished run.

    Attributes:
        kernel, dataset: the bundle's two folders.
        template: ids and columns that the kernel takes to be wanted, in order; id column first in `columns`.
        task: the competition.
        submission_path: the submission taken from the run, or None.
        submission: the same as text cells, header as columns; None where it is missing or no table.
        submission_error: why it could not be read.
        summary: what the kernel wrote about itself (`foldship.json`), {} when nothing.
        status: how the kernel ended, as the supervisor reports it; None when the sandbox broke.
        broken: what went wrong with the report on the run; "" when it came whole.
        isolated: whether there was a sandbox.
        limit_s, memory_bytes, working_bytes: the limits.
        peak_bytes: most memory in use.
        memory_exceeded: whether the memory limit was hit.
        outlook: what the run promises for another machine; None where that is not judged.
        sample: the competition's own sample submission; None where it has none.
    """

    kernel: Path
    dataset: Path
    template: pd.DataFrame
    task: Task
    submission_path: Path | None
    submission: pd.DataFrame | None
    submission_error: str
    summary: Mapping[str, Any]
    status: Mapping[str, Any] | None
    broken: str
    isolated: bool
    limit_s: float
    memory_bytes: int
    working_bytes: int
    peak_bytes: int
    memory_exceeded: bool
    outlook: Outlook | None = None
    sample: Sample | None = None

    def numbers(self) -> pd.DataFrame:
        """The submission's numbers as float64, NaN where a cell holds none; empty without a submission."""
        return pd.DataFrame() if self.submission is None else self.task.numbers(self.submission)


NO_SAMPLE = "this competition has no sample submission"


def not_a_table(run: Evidence, name: str) -> Finding | None:
    """What a rule that compares cells with the sample's says where one of both cannot be looked at."""
    if run.sample is None:
        return Finding(name, None, NO_SAMPLE)
    if run.submission is None:
        return Finding(name, None, "no submission to look at", "see 'submission present'")
    if not run.sample.header:
        return Finding(name, None, "no sample to look at", "see 'sample as declared'")
    return None


def no_numbers(name: str) -> Finding:
    """What a rule about numbers says where there are none."""
    return Finding(name, None, "no numbers to look at", "see 'submission present' and 'columns'")
