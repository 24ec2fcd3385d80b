"""Normalisation of raw competition text, the same in training and in the kernel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from foldship_kernel import cleaning


@dataclass(frozen=True)
class Texts:
    """Some rows' texts by name, as they came and as one line each.

    Attributes:
        raw: as they stand in the file: str, or missing.
        normalised: entities resolved, white space collapsed.
    """

    raw: Mapping[str, Sequence[object]]
    normalised: Mapping[str, Sequence[str]]


def normalise(value: object) -> str:
    """Return `value` as one line of text: HTML entities resolved, white space collapsed.

    Missing values (None, NaN) become the empty string. Characters that cannot be encoded (lone surrogates)
    are dropped, since a tokenizer would refuse them.
    """
    return cleaning.clean(value)


def normalise_all(values: Iterable[object]) -> list[str]:
    """`normalise` each value, in order; a repeated value is cleaned once."""
    return cleaning.clean_all(values)
