"""Metadata and counted features that bypass the transformer and go straight into the head."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foldship_kernel import counts, similarity
from foldship_kernel.text import Texts

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
        counts: what is counted, "basic", "full" or "style", see `foldship_kernel.counts`.
        common_words: words that are not rare; none with "basic".
        similar: pairs of texts whose likeness is a feature, see `foldship_kernel.similarity`.
        weights: of their n-grams.
    """

    one_hots: tuple[OneHot, ...] = ()
    counted: tuple[str, ...] = ()
    overlaps: tuple[tuple[str, str], ...] = ()
    mean: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    counts: str = counts.BASIC
    common_words: tuple[str, ...] = ()
    similar: tuple[tuple[str, str], ...] = ()
    weights: tuple[tuple[int, ...], ...] = ()

    @property
    def width(self) -> int:
        hot = sum(len(one_hot.values) + one_hot.others for one_hot in self.one_hots)
        counted = counts.width(self.counts, len(self.counted), len(self.overlaps))
        return hot + counted + similarity.WIDTH * len(self.similar)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> FeatureSpec:
        return cls(
            one_hots=tuple(OneHot(v["column"], tuple(v["values"]), v["others"]) for v in value["one_hots"]),
            counted=tuple(value["counted"]),
            overlaps=tuple((first, second) for first, second in value["overlaps"]),
            mean=tuple(value["mean"]),
            scale=tuple(value["scale"]),
            counts=value.get("counts", counts.BASIC),
            common_words=tuple(value.get("common_words", ())),
            similar=tuple((first, second) for first, second in value.get("similar", ())),
            weights=tuple(map(tuple, value.get("weights", ()))),
        )


def fit(
    rows: pd.DataFrame,
    texts: Texts,
    *,
    categories: Sequence[str],
    common: Sequence[str],
    counted: Sequence[str],
    overlaps: Sequence[tuple[str, str]],
    kind: str = counts.BASIC,
    similar: Sequence[tuple[str, str]] = (),
) -> FeatureSpec:
    """Fit a feature description on training rows.

    Args:
        rows: training rows with the metadata columns.
        texts: their texts.
        categories: columns whose every value gets a column.
        common: columns whose ten commonest values get a column each, the others one together.
        counted: texts to count.
        overlaps: pairs of texts to compare.
        kind: what to count, "basic", "full" or "style".
        similar: pairs of texts whose likeness is measured.
    """
    one_hots = [
        OneHot(column, tuple(sorted(set(_known(rows[column])))), others=False) for column in categories
    ]
    for column in common:
        # Ties are broken by name, so that the same rows in another order give the same columns.
        ranked = sorted(Counter(_known(rows[column])).items(), key=lambda item: (-item[1], item[0]))
        one_hots.append(OneHot(column, tuple(name for name, _ in ranked[:COMMON]), others=True))
    common_words: tuple[str, ...] = ()
    if kind != counts.BASIC:
        compared = dict.fromkeys(name for pair in overlaps for name in pair)
        common_words = counts.common_words(texts.normalised[name] for name in compared)
    weights: tuple[tuple[int, ...], ...] = ()
    if similar:
        weights = similarity.fit(text for pair in similar for name in pair for text in texts.normalised[name])
    spec = FeatureSpec(
        one_hots=tuple(one_hots),
        counted=tuple(counted),
        overlaps=tuple(overlaps),
        counts=kind,
        common_words=common_words,
        similar=tuple(similar),
        weights=weights,
    )
    raw = _numbers(texts, spec, len(rows))
    # What is constant has a deviation of rounding errors.
    scale = np.where(np.ptp(raw, axis=0) > 0, raw.std(axis=0), 1.0)
    return replace(spec, mean=tuple(float(v) for v in raw.mean(axis=0)), scale=tuple(float(v) for v in scale))


def compute(rows: pd.DataFrame, texts: Texts, spec: FeatureSpec) -> NDArray[np.float32]:
    """Return the features of `rows`, whose texts are `texts`: (rows, spec.width) float32."""
    parts: list[NDArray[Any]] = [_one_hot(rows[one_hot.column], one_hot) for one_hot in spec.one_hots]
    if spec.mean:
        raw = _numbers(texts, spec, len(rows))
        # A 300,000-character text must not swamp the head.
        parts.append(np.clip((raw - np.array(spec.mean)) / np.array(spec.scale), -5.0, 5.0))
    if not parts:
        return np.zeros((len(rows), 0), dtype=np.float32)
    return np.concatenate(parts, axis=1).astype(np.float32)


def _numbers(texts: Texts, spec: FeatureSpec, rows: int) -> NDArray[np.float64]:
    """What is counted and measured of the rows' texts, before it is scaled."""
    common = frozenset(spec.common_words)
    counted = counts.compute(texts, spec.counts, spec.counted, spec.overlaps, common, rows)
    pairs = [(texts.normalised[first], texts.normalised[second]) for first, second in spec.similar]
    measured = [similarity.compute(*pair, spec.weights) for pair in pairs]
    return np.concatenate([counted, *measured], axis=1)


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
