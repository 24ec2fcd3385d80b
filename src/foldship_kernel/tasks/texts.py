"""Texts of rows, made of their columns by templates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import pandas as pd

_COLUMN = re.compile(r"\{([^{}]+)\}")


def columns(template: str) -> list[str]:
    """Columns that a template names, each once, in order."""
    return list(dict.fromkeys(_COLUMN.findall(template)))


def fill(template: str, rows: pd.DataFrame) -> Sequence[object]:
    """The text of each row; a template that is one column gives its values as they came, missing or not.

    Args:
        template: text with columns in braces, as in "Question: {question}".
        rows: with these columns. What is missing adds nothing to a longer text.
    """
    only = _COLUMN.fullmatch(template)
    if only:
        return list(rows[only[1]])
    parts = _COLUMN.split(template)
    values = [_known(rows[name]) for name in parts[1::2]]
    between = parts[2::2]
    return [
        parts[0] + "".join(value + text for value, text in zip(row, between, strict=True))
        for row in (zip(*values, strict=True) if values else ((),) * len(rows))
    ]


def _known(values: Iterable[object]) -> list[str]:
    return [value if isinstance(value, str) else "" for value in values]
