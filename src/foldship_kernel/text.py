"""Cleaning of raw competition text, the same in training and in the kernel."""

from __future__ import annotations

import html
from collections.abc import Iterable


def normalise(value: object) -> str:
    """Return `value` as one line of text: HTML entities resolved, white space collapsed.

    Missing values (None, NaN) become the empty string. Characters that cannot be encoded (lone surrogates)
    are dropped, since a tokenizer would refuse them.
    """
    if not isinstance(value, str):
        return ""
    text = html.unescape(value)
    return " ".join(text.encode("utf-8", "ignore").decode("utf-8").split())


def normalise_all(values: Iterable[object]) -> list[str]:
    """`normalise` each value, in order; a repeated value is cleaned once."""
    seen: dict[str, str] = {}
    result = []
    for value in values:
        if not isinstance(value, str):
            result.append("")
            continue
        if value not in seen:
            seen[value] = normalise(value)
        result.append(seen[value])
    return result
