"""Ids: those of test and sample, those of test and training file, and how they are spelt."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pandas as pd

from foldship.competitions.base import Competition
from foldship.preflight.answers import Finding, note, refusal
from foldship.preflight.files import Table
from foldship_kernel.errors import listed

_FLOAT = re.compile(r"[+-]?\d+\.0+")


def compare(test: Table, sample: Table) -> Iterator[Finding]:
    """Whether test and sample ask for the same rows; where not, what the kernel makes of it."""
    for table in (test, sample):
        floats = [value for value in table.ids if _FLOAT.fullmatch(value)]
        if floats:
            yield note(
                f"{table.path}: ids that are whole numbers are written as fractions",
                found=f"{floats[0]} ({len(floats)} such rows)",
                fix="the kernel writes ids as the sample has them; look whether they were meant so",
            )
    wanted, there = dict.fromkeys(sample.ids), set(test.ids)
    if wanted.keys() == there:
        return
    if {_plain(value) for value in wanted} == {_plain(value) for value in there}:
        yield note(
            f"{sample.path}: ids are spelt otherwise than in {test.path.name}",
            found=f"{sample.ids[0]} against {test.ids[0]}",
            fix="the kernel pairs them as numbers, and writes them as the sample does",
        )
        return
    if not wanted.keys() & there:
        yield refusal(
            f"{sample.path}: not one of its ids is in {test.path.name}",
            expected=f"the ids of {test.path.name}: {listed(test.ids[:3])}",
            found=listed(sample.ids[:3]),
            fix="take both files from the same download; if a row is asked for several times, or by a name "
            "made of others, this competition is none of one row, one prediction",
        )
        return
    alone = [value for value in wanted if value not in there]
    left = [value for value in there if value not in wanted]
    if alone:
        yield note(
            f"{sample.path}: {len(alone)} ids are not in {test.path.name}: {listed(alone[:3])}",
            fix="no model can predict these: the kernel gives them the training rows' mean",
        )
    if left:
        yield note(
            f"{sample.path}: {len(left)} ids of {test.path.name} are not asked for",
            fix=f"the kernel predicts all {len(there)} rows of {test.path.name}",
        )


def shared(competition: Competition, test: Table, train: pd.DataFrame) -> Iterator[Finding]:
    """Whether rows to predict stand in the training file."""
    task = competition.task
    known = train.set_index(task.id)
    both = [value for value in test.ids if value in known.index]
    if not both:
        return
    rows = test.rows.set_index(test.id)
    columns = [name for name in task.columns if name in known.columns and name in rows.columns]
    same = (known.loc[both, columns].fillna("") == rows.loc[both, columns].fillna("")).all(axis=1)
    repeated = [value for value, alike in zip(both, same, strict=True) if alike]
    if repeated:
        yield note(
            f"{test.path}: {len(repeated)} rows stand in {competition.declared.files.train}, too: "
            f"{listed(repeated[:3])}",
            fix="models know their answers: what is predicted for them says nothing about other rows",
        )
    else:
        yield note(
            f"{test.path}: {len(both)} ids stand in {competition.declared.files.train}, for other rows",
            found=listed(both[:3]),
            fix="nothing, if each file numbers its own rows",
        )


def _plain(value: str) -> str:
    """An id without what a spreadsheet adds to a whole number."""
    return value.partition(".")[0] if _FLOAT.fullmatch(value) else value
