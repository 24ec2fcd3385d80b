from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from foldship_kernel import features
from foldship_kernel.text import Texts

ROWS = pd.DataFrame(
    {
        "category": ["B", "A", None, "B"],
        "host": ["x"] * 4,
    }
)


def texts_of(*answers: str) -> Texts:
    return Texts({"answer": answers}, {"answer": answers})


TEXTS = texts_of("short", "a much longer text? with http://link", "", "CAPS { code; }")


def fitted(rows: pd.DataFrame = ROWS, kind: str = "basic") -> features.FeatureSpec:
    return features.fit(
        rows,
        TEXTS,
        categories=["category"],
        common=["host"],
        counted=["answer"],
        overlaps=[("answer", "answer")],
        kind=kind,
    )


@pytest.mark.parametrize("kind", ["basic", "full"])
def test_width_is_that_of_the_features(kind: str) -> None:
    spec = fitted(kind=kind)
    values = features.compute(ROWS, TEXTS, spec)
    assert values.shape == (4, spec.width)
    assert values.dtype == np.float32
    assert np.isfinite(values).all()


def test_missing_and_unknown_categories_are_zeros_and_rare_hosts_are_others() -> None:
    spec = fitted()
    rows = pd.DataFrame({"category": ["A", "NEW", None, "B"], "host": ["x", "new", None, "x"]})
    values = features.compute(rows, TEXTS, spec)[:, :4]
    assert [o.values for o in spec.one_hots] == [("A", "B"), ("x",)]
    np.testing.assert_array_equal(values, [[1, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0], [0, 1, 1, 0]])


def test_only_the_ten_commonest_hosts_get_a_column() -> None:
    hosts = [f"h{number}" for number in range(12) for _ in range(20 - number)]
    rows = pd.DataFrame({"host": hosts, "category": None})
    texts = texts_of(*[""] * len(rows))
    spec = features.fit(rows, texts, categories=[], common=["host"], counted=[], overlaps=[])
    assert spec.one_hots[0].values == tuple(f"h{number}" for number in range(10))


def test_counts_are_standardised_and_clipped() -> None:
    spec = features.fit(ROWS, TEXTS, categories=[], common=[], counted=["answer"], overlaps=[])
    values = features.compute(ROWS, TEXTS, spec)
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-6)
    huge = features.compute(ROWS.iloc[:1], texts_of("x" * 300_000 + "?" * 9999), spec)
    assert np.abs(huge).max() <= 5


def test_a_constant_feature_does_not_divide_by_zero() -> None:
    rows = pd.concat([ROWS] * 200, ignore_index=True)
    texts = texts_of(*["Why?"] * len(rows))
    spec = features.fit(rows, texts, categories=[], common=[], counted=["answer"], overlaps=[], kind="full")
    assert set(spec.scale) == {1.0}
    np.testing.assert_allclose(features.compute(rows, texts, spec), 0, atol=1e-6)


@pytest.mark.parametrize("kind", ["basic", "full"])
def test_a_specification_survives_json(kind: str) -> None:
    spec = fitted(kind=kind)
    assert features.FeatureSpec.from_dict(json.loads(json.dumps(asdict(spec)))) == spec


def test_a_specification_from_before_there_were_kinds_is_read() -> None:
    old = asdict(fitted())
    del old["counts"], old["common_words"]
    assert features.FeatureSpec.from_dict(old) == fitted()
