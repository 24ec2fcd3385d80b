"""Metadata and counted features that bypass the transformer and go straight into the head."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_LINK = re.compile(r"https?://")
_WORD = re.compile(r"\w+")
_CODE = re.compile(r"[{}();=<>\\$_]")
COUNTS_PER_TEXT = 7
COMMON = 10  # values kept when a column's rare values are gathered under Others


@dataclass(frozen=True)
class OneHot:
    """One metadata column.

    Attributes:
        column: its name.
        values: values that get a column each, in order.
        others: whether one more column gathers any other known value. A missing value, or without `others`
            an unseen one, gives zeros.
    """

    column: str
    values: tuple[str, ...]
    others: bool


@dataclass(frozen=True)
class FeatureSpec:
    """Fitted description of the features of a row.

    Attributes:
        one_hots: metadata columns.
        counted: names of texts that are counted (length, question marks, links ...).
        overlaps: pairs of texts whose share of common words is a feature.
        mean, scale: per counted feature, so that each has mean 0 and standard deviation 1 in training.
    """

    one_hots: tuple[OneHot, ...] = ()
    counted: tuple[str, ...] = ()
    overlaps: tuple[tuple[str, str], ...] = ()
    mean: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()

    @property
    def width(self) -> int:
        hot = sum(len(one_hot.values) + one_hot.others for one_hot in self.one_hots)
        return hot + COUNTS_PER_TEXT * len(self.counted) + len(self.overlaps)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> FeatureSpec:
        return cls(
            one_hots=tuple(OneHot(v["column"], tuple(v["values"]), v["others"]) for v in value["one_hots"]),
            counted=tuple(value["counted"]),
            overlaps=tuple((first, second) for first, second in value["overlaps"]),
            mean=tuple(value["mean"]),
            scale=tuple(value["scale"]),
        )


def fit(
    rows: pd.DataFrame,
    texts: Mapping[str, Sequence[str]],
    *,
    categories: Sequence[str],
    common: Sequence[str],
    counted: Sequence[str],
    overlaps: Sequence[tuple[str, str]],
) -> FeatureSpec:
    """Fit a feature description on training rows.

    Args:
        rows: training rows with the metadata columns.
        texts: normalised texts by name.
        categories: columns whose every value gets a column.
        common: columns whose ten commonest values get a column each, the others one together.
        counted: texts to count.
        overlaps: pairs of texts to compare.
    """
    one_hots = [
        OneHot(column, tuple(sorted(set(_known(rows[column])))), others=False) for column in categories
    ]
    for column in common:
        # Ties are broken by name, so that the same rows in another order give the same columns.
        ranked = sorted(Counter(_known(rows[column])).items(), key=lambda item: (-item[1], item[0]))
        one_hots.append(OneHot(column, tuple(name for name, _ in ranked[:COMMON]), others=True))
    raw = _counts(texts, tuple(counted), tuple(overlaps), len(rows))
    scale = raw.std(axis=0)
    return FeatureSpec(
        one_hots=tuple(one_hots),
        counted=tuple(counted),
        overlaps=tuple(overlaps),
        mean=tuple(float(v) for v in raw.mean(axis=0)),
        scale=tuple(float(v) for v in np.where(scale > 0, scale, 1.0)),
    )


def compute(rows: pd.DataFrame, texts: Mapping[str, Sequence[str]], spec: FeatureSpec) -> NDArray[np.float32]:
    """Return the features of `rows`: (rows, spec.width) float32."""
    parts: list[NDArray[Any]] = [_one_hot(rows[one_hot.column], one_hot) for one_hot in spec.one_hots]
    if spec.counted or spec.overlaps:
        raw = _counts(texts, spec.counted, spec.overlaps, len(rows))
        # A 300,000-character text must not swamp the head.
        parts.append(np.clip((raw - np.array(spec.mean)) / np.array(spec.scale), -5.0, 5.0))
    if not parts:
        return np.zeros((len(rows), 0), dtype=np.float32)
    return np.concatenate(parts, axis=1).astype(np.float32)


def _known(column: pd.Series) -> list[str]:
    return [value for value in column if isinstance(value, str) and value]


def _one_hot(column: pd.Series, spec: OneHot) -> NDArray[np.float64]:
    places = {value: place for place, value in enumerate(spec.values)}
    result = np.zeros((len(column), len(spec.values) + spec.others))
    for row, value in enumerate(column):
        if isinstance(value, str) and value:
            place = places.get(value, len(spec.values) if spec.others else None)
            if place is not None:
                result[row, place] = 1.0
    return result


def _counts(
    texts: Mapping[str, Sequence[str]],
    counted: tuple[str, ...],
    overlaps: tuple[tuple[str, str], ...],
    rows: int,
) -> NDArray[np.float64]:
    cache: dict[str, tuple[float, ...]] = {}
    result = np.zeros((rows, COUNTS_PER_TEXT * len(counted) + len(overlaps)))
    for place, name in enumerate(counted):
        columns = slice(COUNTS_PER_TEXT * place, COUNTS_PER_TEXT * (place + 1))
        for row, text in enumerate(texts[name]):
            if text not in cache:
                cache[text] = _count(text)
            result[row, columns] = cache[text]
    for place, (first, second) in enumerate(overlaps):
        for row, (a, b) in enumerate(zip(texts[first], texts[second], strict=True)):
            result[row, COUNTS_PER_TEXT * len(counted) + place] = _overlap(a, b)
    return result


def _count(text: str) -> tuple[float, ...]:
    size = max(1, len(text))
    return (
        float(np.log1p(len(text))),
        float(np.log1p(text.count("?"))),
        float(np.log1p(text.count("!"))),
        float(np.log1p(len(_LINK.findall(text)))),
        len(_CODE.findall(text)) / size,
        sum(character.isdigit() for character in text) / size,
        sum(character.isupper() for character in text) / size,
    )


def _overlap(first: str, second: str) -> float:
    one, two = set(_WORD.findall(first.lower())), set(_WORD.findall(second.lower()))
    return len(one & two) / max(1, min(len(one), len(two)))
