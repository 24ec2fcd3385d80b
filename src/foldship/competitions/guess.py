"""A first declaration of a competition, from what its training file looks like."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from foldship_kernel.errors import NEW_FILE, DataError, listed

TEST, SAMPLE = "test.csv", "sample_submission.csv"
MOST_CLASSES = 50
MOST_CATEGORIES = 30
LEAST_WORDS = 3  # of a text, on average


@dataclass
class Guess:
    """What was found.

    Attributes:
        declaration: for `competition.yaml`.
        texts: names of the texts.
        pair: whether these are two that are compared.
        reasons: why each thing was taken for what it is, one line each.
    """

    declaration: dict[str, Any]
    texts: list[str]
    pair: bool
    reasons: list[str] = field(default_factory=list)


def look(train: Path) -> Guess:
    """Look at a training file, and at `test.csv` and `sample_submission.csv` beside it where they are there.

    Raises:
        DataError: a file cannot be read, or nothing in it can be the id, a text or a target.
    """
    rows = _read(train)
    test, sample = (
        _read(train.with_name(name)) if train.with_name(name).is_file() else None for name in (TEST, SAMPLE)
    )
    reasons: list[str] = []
    row_id = _id(rows, sample, train)
    reasons.append(f"id: {row_id}, whose values are all different")
    targets, layout = _targets(rows, row_id, test, sample, train, reasons)
    others = [
        name
        for name in rows.columns
        if name not in (row_id, *targets) and (test is None or name in test.columns)
    ]
    texts = [name for name in others if _is_text(rows[name])]
    if not texts:
        raise DataError(
            f"{train}: no column looks like text",
            expected=f"a column with {LEAST_WORDS} words or more in a row, on average",
            found=listed(others) or "no other column",
            fix="write competition.yaml by hand; docs/competitions.md lists all keys",
        )
    categories = [name for name in others if name not in texts and _is_category(rows[name])]
    reasons.append(f"texts: {', '.join(texts)}, of several words or all different")
    if categories:
        reasons.append(f"categories: {', '.join(categories)}, of few values")
    ignored = [name for name in others if name not in (*texts, *categories)]
    if ignored:
        reasons.append(f"not read: {', '.join(ignored)}")
    declaration: dict[str, Any] = {"title": train.parent.name, "id": row_id, "texts": texts}
    if categories:
        declaration["categories"] = categories
    pair = len(texts) == 2 and _alike(rows, texts)
    declaration["group"] = texts if pair else texts[:1]
    if pair:
        declaration["group_by"] = "linked"
        reasons.append("group: pairs that share a text share a fold")
    else:
        reasons.append(f"group: rows with the same {texts[0]} share a fold")
    declaration |= _scored(rows, targets, reasons)
    if train.name != "train.csv" or sample is None:
        files = {"train": train.name, **({"sample": None} if sample is None else {})}
        declaration["files"] = files
    if layout and "classes" in declaration["targets"]:
        layout = dict.fromkeys(layout, "class")
    if layout:
        declaration["submission"] = layout
    return Guess(declaration, texts, pair, reasons)


def _read(path: Path) -> pd.DataFrame:
    try:
        csv.field_size_limit(sys.maxsize)
        rows = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read", found=str(error), fix=NEW_FILE) from error
    if not len(rows):
        raise DataError(f"{path}: no rows", expected="rows below a header", fix=NEW_FILE)
    return rows[[name for name in rows.columns if not str(name).startswith("Unnamed:")]]


def _id(rows: pd.DataFrame, sample: pd.DataFrame | None, path: Path) -> str:
    whole = [name for name in rows.columns if rows[name].is_unique and rows[name].ne("").all()]
    unique = [name for name in whole if not _is_text(rows[name])]
    if sample is not None:
        unique = [name for name in unique if name in sample.columns]
    named = [name for name in unique if name.lower() == "id" or name.lower().endswith(("id", "_key"))]
    if not unique:
        raise DataError(
            f"{path}: no column can be the id",
            expected="a column whose values are all there and all different"
            + ("" if sample is None else f", and that is in {SAMPLE}, too"),
            found=listed(list(rows.columns)),
            fix="add a column with the row's number, or write competition.yaml by hand",
        )
    return (named or unique)[0]


def _targets(
    rows: pd.DataFrame,
    row_id: str,
    test: pd.DataFrame | None,
    sample: pd.DataFrame | None,
    path: Path,
    reasons: list[str],
) -> tuple[list[str], dict[str, str]]:
    """Columns to predict, and the submission's layout where its columns have other names."""
    if sample is not None:
        wanted = [name for name in sample.columns if name != row_id]
        found = [name for name in wanted if name in rows.columns]
        if found:
            reasons.append(f"targets: {listed(found)}, which {SAMPLE} asks for")
            return found, {}
        left = _absent(rows, row_id, test)
        if len(wanted) == 1 and left:
            reasons.append(f"targets: {left[0]}, which {TEST} does not have; {SAMPLE} calls it {wanted[0]}")
            return left[:1], {wanted[0]: left[0]}
    left = _absent(rows, row_id, test)
    if test is not None and left:
        reasons.append(f"targets: {listed(left)}, which {TEST} does not have")
        return left, {}
    last = str(rows.columns[-1])
    if test is None and last != row_id and not _is_text(rows[last]):
        reasons.append(f"targets: {last}, the last column")
        return [last], {}
    raise DataError(
        f"{path}: nothing looks like a target",
        expected=f"columns that {SAMPLE} asks for, or that {TEST} does not have",
        found=listed(list(rows.columns)),
        fix=f"put {TEST} and {SAMPLE} beside it, or write competition.yaml by hand",
    )


def _absent(rows: pd.DataFrame, row_id: str, test: pd.DataFrame | None) -> list[str]:
    """Columns of the training file that the test file lacks and that hold numbers or few values."""
    if test is None:
        return []
    lacking = [name for name in rows.columns if name != row_id and name not in test.columns]
    return [name for name in lacking if not _is_text(rows[name])]


def _scored(rows: pd.DataFrame, targets: Sequence[str], reasons: list[str]) -> dict[str, Any]:
    """Kind of the targets, and a metric that goes with it."""
    numbers = rows[list(targets)].apply(pd.to_numeric, errors="coerce")
    if numbers.notna().all(axis=None):
        low, high = float(numbers.min(axis=None)), float(numbers.max(axis=None))
        two = bool(numbers.isin([0, 1]).all(axis=None))
        metric = "auc" if two else "spearman" if len(targets) > 1 else "pearson"
        reasons.append(f"range: {low:g} to {high:g}, as in the file; metric: {metric}, correct it")
        low, high = (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
        return {"targets": {"columns": list(targets), "range": [low, high]}, "metric": metric}
    if len(targets) > 1:
        raise DataError(
            f"targets {listed(list(targets))} are no numbers",
            expected="columns of numbers, or one column of classes",
            fix="write competition.yaml by hand",
        )
    classes = sorted(set(rows[targets[0]]) - {""})
    most = min(MOST_CLASSES, len(rows) // 2)
    if not 2 <= len(classes) <= most:
        raise DataError(
            f"target {targets[0]!r} holds neither numbers nor classes",
            expected=f"2 to {most} different values",
            found=f"{len(classes)}",
            fix="write competition.yaml by hand",
        )
    reasons.append(f"classes: the {len(classes)} values of {targets[0]}; metric: macro_f1, correct it")
    return {"targets": {"column": targets[0], "classes": classes}, "metric": "macro_f1"}


def _is_text(column: pd.Series) -> bool:
    return float(column.map(lambda text: len(text.split())).mean()) >= LEAST_WORDS


def _is_category(column: pd.Series) -> bool:
    few = column.nunique() <= min(MOST_CATEGORIES, len(column) // 2)
    return few and bool(pd.to_numeric(column, errors="coerce").isna().any())


def _alike(rows: pd.DataFrame, texts: Sequence[str]) -> bool:
    """Whether two texts are of about one length, as two that are compared."""
    lengths = rows[list(texts)].apply(lambda column: column.str.len()).mean()
    return float(lengths.max()) < 2 * float(lengths.min())
