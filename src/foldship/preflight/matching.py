"""Whether test file and sample submission are what competition.yaml says they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from foldship.competitions.base import Competition
from foldship.preflight import files, ids, layout, likeness
from foldship.preflight.answers import Finding, note, refusal
from foldship_kernel.errors import DataError

LATER = "training needs none, but nothing can be bundled, rehearsed or submitted without it"


def match(
    competition: Competition, folder: Path, train: pd.DataFrame | None, *, needed: bool
) -> Iterator[Finding]:
    """Read both files, and hold them against the declaration, each other and the training rows.

    Args:
        competition: what is declared.
        folder: with the files.
        train: the training rows; None where they cannot be read.
        needed: whether both have to be there: a training can do without.

    Raises:
        DataError: they are needed, and the kernel itself could not read them.
    """
    refused = False
    for finding in _compare(competition, folder, train, needed):
        refused |= finding.refused
        yield finding
    if needed and not refused:
        competition.task.read_test(folder, strict=False)  # the kernel's own reader has the last word


def _compare(
    competition: Competition, folder: Path, train: pd.DataFrame | None, needed: bool
) -> Iterator[Finding]:
    test, sample = None, None
    try:
        test = files.test(competition, folder)
    except DataError as error:
        yield _unread(error, needed)
    try:
        sample = files.sample(competition, folder)
    except DataError as error:
        yield _unread(error, needed)
    if test is not None:
        yield from likeness.compare(competition, test, train)
        if train is not None:
            yield from ids.shared(competition, test, train)
    if sample is not None:
        yield from layout.compare(competition, sample, train)
        if test is not None:
            yield from ids.compare(test, sample)


def _unread(error: DataError, needed: bool) -> Finding:
    if isinstance(error, files.AbsentError):
        if needed:
            return Finding(True, error)
        return note(error.what, expected=error.expected, found=error.found, fix=f"{LATER}: {error.fix}")
    if isinstance(error, files.OddError):
        return note(
            f"{error.what}; the kernel makes of it what it can",
            expected=error.expected,
            found=error.found,
            fix=error.fix,
        )
    return refusal(error.what, expected=error.expected, found=error.found, fix=error.fix)
