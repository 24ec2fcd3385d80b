"""What a submission must hold where sample and test file do not agree.

What decides its rows: the sample where it has all ids of the test file; the test file where the sample is only
a part of it; where each has ids that the other lacks, the sample's rows and after them the test file's others,
since only so no row is lost that may be scored. Ids are written as the sample spells them. An id that is in
the sample alone has no row, and gets the fallback.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from foldship_kernel.lenient import matching, spelling
from foldship_kernel.mended import Mended, Mending
from foldship_kernel.rows import Rows
from foldship_kernel.tasks.base import NO_ROW, Template

if TYPE_CHECKING:
    from foldship_kernel.tasks.task import Task


@dataclass(frozen=True)
class Opened:
    """A file's rows, and how they were read.

    Attributes:
        rows: as they are, ids included.
        columns: the id column, then all others; those that were asked for and are missing, too.
        missing: columns that were asked for and are not there.
        written: how the file writes those column names that it writes otherwise.
        numbered: whether the file has no ids.
        mended: what was odd.
    """

    rows: Rows
    columns: Sequence[str]
    missing: Sequence[str] = ()
    written: Mapping[str, str] = field(default_factory=dict)
    numbered: bool = False
    mended: Sequence[Mended] = ()


def make(task: Task, rows: Sequence[str], sample: Opened, *, numbered: bool) -> Template:
    """The template of a submission.

    Args:
        task: the competition.
        rows: id of each row to predict.
        sample: the sample submission.
        numbered: whether the rows have no ids, and `rows` are their numbers.

    Returns:
        It, with what was odd.
    """
    of_test, of_sample = Mending(task.test), Mending(str(task.template))
    wanted = sample.rows.ids
    for ids, notes in ((rows, of_test), (wanted, of_sample)):
        _tell_odd_ids(ids, notes)
    if len(rows) == len(wanted) and (numbered or sample.numbered):
        found = np.arange(len(rows))
        if sample.numbered:
            wanted = rows
    else:
        found = matching.match(rows, wanted, of_test)
    absent = np.flatnonzero(found < 0)
    if len(absent) and len(rows):
        of_sample.note("ids that the test file lacks, given the fallback", f"id {wanted[absent[0]]}", len(absent))
    known = {rows[row] for row in found if row >= 0}
    others = np.array([row for row, value in enumerate(rows) if value not in known], dtype=np.int64)
    if len(others):
        of_sample.note("ids of the test file that it lacks, written as well", f"id {rows[others[0]]}", len(others))
    if not len(others):
        places, in_sample = found, np.arange(len(wanted))
    elif not len(absent):
        places, in_sample = np.arange(len(rows)), np.full(len(rows), NO_ROW)
        in_sample[found] = np.arange(len(wanted))
    else:
        places = np.concatenate([found, others])
        in_sample = np.concatenate([np.arange(len(wanted)), np.full(len(others), NO_ROW)])
    ids = [
        rows[row] if place < 0 else wanted[place] for row, place in zip(places, in_sample, strict=True)
    ]
    columns, holds, given = _columns(task, sample, in_sample, of_sample)
    return Template(
        columns[0], ids, columns, rows=places, holds=holds, given=given, mended=(*of_test.found, *of_sample.found)
    )


def _tell_odd_ids(ids: Sequence[str], notes: Mending) -> None:
    counts = Counter(ids)
    twice = [value for value, count in counts.items() if count > 1]
    if twice:
        notes.note("ids that stand several times, each row written for itself", f"id {twice[0]}", len(twice))
    missing = [row for row, value in enumerate(ids) if not spelling.caseless(value)]
    if missing:
        notes.note("rows without an id, or with one that reads as missing", f"row {missing[0] + 1}", len(missing))


def _columns(
    task: Task, sample: Opened, in_sample: NDArray[np.int64], notes: Mending
) -> tuple[tuple[str, ...], dict[str, str], dict[str, Sequence[str]]]:
    """The submission's columns as the sample writes them, what they hold, and what is given for the others.

    Args:
        task: the competition.
        sample: the sample submission.
        in_sample: (ids,) place of each wanted id in the sample, or `NO_ROW`.
        notes: told what differs from what was declared.
    """
    there = [name for name in sample.columns[1:] if name not in sample.missing]
    declared = [name for name in there if name in task.submission]
    for name in task.submission:
        if name not in declared:
            notes.note("columns that were declared and are not there", f"'{name}'")
    if not declared:
        there += task.submission  # else nothing that the models predict would be written
    written = {name: sample.written.get(name, name) for name in (task.id, *there)}
    others = [name for name in there if name not in task.submission]
    given: dict[str, Sequence[str]] = {}
    if others:
        cells: dict[str, list[str]] = {name: [] for name in others}
        for chunk in sample.rows.chunks():
            for name in others:
                cells[name] += [value or "" for value in chunk[name]]
        for name in others:
            notes.note("columns that nobody declared, filled as the sample fills them", f"'{name}'")
            commonest = Counter(cells[name]).most_common(1)[0][0] if cells[name] else ""
            given[written[name]] = [commonest if place < 0 else cells[name][place] for place in in_sample]
    return tuple(written.values()), {written[name]: name for name in task.submission if name in written}, given
