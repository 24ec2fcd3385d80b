"""All of a first `competition.yaml`, and why each thing was taken for what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from foldship.competitions.guess import columns, encoding, ids, scoring, table, targets
from foldship.competitions.guess.layout import Layout, declared, layout
from foldship_kernel import encodings, opening
from foldship_kernel.errors import DataError, listed

LEAST_GROUPS = 40  # different values of a text by which rows are grouped


@dataclass
class Guess:
    """What was found.

    Attributes:
        declaration: for `competition.yaml`.
        texts: names of the texts.
        pair: whether these are two that are compared.
        layout: the files.
        reasons: why each thing was taken for what it is, one line each.
    """

    declaration: dict[str, Any]
    texts: list[str]
    pair: bool
    layout: Layout
    reasons: list[str] = field(default_factory=list)


def look(train: Path) -> Guess:
    """Look at a training file, and at the test file and the sample submission beside it.

    Args:
        train: by its declared name, see `opening.source`.

    Raises:
        DataError: a file cannot be read, or nothing in it can be a text or a target.
    """
    files = layout(train)
    written = encoding.find(opening.source(train))
    read = table.read(train, written)
    rows = read.rows
    test, sample = (
        None if name is None else table.read(train.with_name(name), written).rows
        for name in (files.test, files.sample)
    )
    reasons = _of_files(files)
    if written != encodings.UTF8:
        reasons.append(f"encoding: {written}, as the bytes look, since they are not UTF-8; correct it")
    named = ids.find(rows, test, sample)
    reasons.append(named.reason)
    own = [name for name in (named.train,) if name is not None]
    seen = scoring.Seen(
        train,
        rows.drop(columns=own),
        None if test is None else test.drop(columns=named.test, errors="ignore"),
        None if sample is None else sample.drop(columns=named.sample, errors="ignore"),
        files.sample or "the sample",
        files.others,
    )
    found = targets.find(seen)
    reasons += found.reasons
    others = [
        str(name)
        for name in seen.train
        if name not in found.columns and (seen.test is None or name in seen.test.columns)
    ]
    texts = _texts(rows, others, train, files, reasons)
    categories = [name for name in others if name not in texts and columns.is_category(rows[name])]
    if categories:
        reasons.append(f"categories: {', '.join(categories)}, of few values")
    left = [str(n) for n in seen.train if n not in (*texts, *categories, *found.columns)] + list(read.objects)
    if left:
        reasons.append(f"not read: {', '.join(left)}")
    declaration: dict[str, Any] = {"title": train.parent.name, "id": named.declared, "texts": texts}
    if categories:
        declaration["categories"] = categories
    pair = len(texts) == 2 and columns.alike(rows, texts)
    declaration |= _grouped(rows, texts, pair, reasons)
    declaration |= found.declared
    if read.inside:
        declaration["records"] = {"list": read.inside}
        reasons.append(f"records: the list under {read.inside}")
    changed = declared(files) | ({} if written == encodings.UTF8 else {"encoding": written})
    if changed:
        declaration["files"] = changed
    if found.submission:
        declaration["submission"] = found.submission
    return Guess(declaration, texts, pair, files, reasons)


def _of_files(files: Layout) -> list[str]:
    """What was read, and what was not."""
    reasons = [f"files: {', '.join(name for name in (files.train, files.test, files.sample) if name)}"]
    if files.test is None:
        reasons.append("test: none beside it; nothing can be rehearsed without the rows to predict")
    if files.sample is None:
        reasons.append("sample: none beside it; the submission has the test's ids and the targets' names")
    if files.others:
        reasons.append(f"not looked at: {listed(files.others)}")
    return reasons


def _texts(
    rows: pd.DataFrame, others: Sequence[str], path: Path, files: Layout, reasons: list[str]
) -> list[str]:
    """Columns that are texts."""
    texts = columns.texts(rows, others)
    long = any(columns.is_text(rows[name]) for name in texts)
    why = "of several words" if long else "the likeliest, of a word or so a row"
    in_files = _in_files(rows, files)
    reasons += in_files
    if not texts:
        raise DataError(
            f"{path}: no column looks like text" + ("; texts lie in files of their own" if in_files else ""),
            expected="a column with words in it, in the training file and in the test file",
            found=listed([*others, *in_files]) or "no other column",
            fix="bring the texts into a column of both files (pandas: one read_text() a row)"
            if in_files
            else scoring.BY_HAND,
        )
    reasons.append(f"texts: {', '.join(texts)}, {why}")
    return texts


def _in_files(rows: pd.DataFrame, files: Layout) -> list[str]:
    """What is said of folders with a text a file."""
    said = []
    for folder, stems in files.texts.items():
        columns_named = [str(name) for name in rows if set(rows[name]) & stems]
        by = f" called by {columns_named[0]}" if columns_named else ""
        said.append(f"not read: {len(stems):,} texts in {folder}/, in files{by}")
    return said


def _grouped(rows: pd.DataFrame, texts: list[str], pair: bool, reasons: list[str]) -> dict[str, Any]:
    if pair:
        reasons.append("group: pairs that share a text share a fold")
        return {"group": texts, "group_by": "linked"}
    able = [name for name in texts if rows[name].nunique() >= min(LEAST_GROUPS, len(rows) // 4)]
    chosen = able[0] if able else max(texts, key=lambda name: len(set(rows[name])))
    reasons.append(f"group: rows with the same {chosen} share a fold")
    return {"group": [chosen]}
