"""Scores of classes agree with scikit-learn, on random and on hostile input."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as sklearn

from foldship.metrics import OfClasses, build, classes
from foldship_kernel.errors import FoldshipError
from foldship_kernel.tasks import CLASSES, NUMBERS

Table = NDArray[np.float64]
NAMES = ("none", "first", "second", "third")


@st.composite
def tables(draw: st.DrawFn) -> tuple[Table, Table]:
    """One-hot truth, and probabilities with many ties."""
    rows = draw(st.integers(1, 15))
    present = draw(st.integers(1, len(NAMES)))  # often not all classes are there
    labels = draw(st.lists(st.integers(0, present - 1), min_size=rows, max_size=rows))
    cells = st.lists(st.integers(1, 4), min_size=len(NAMES), max_size=len(NAMES))
    weights = np.array(draw(st.lists(cells, min_size=rows, max_size=rows)), dtype=np.float64)
    return np.eye(len(NAMES))[labels], weights / weights.sum(axis=1, keepdims=True)


def score(name: str, pair: tuple[Table, Table], without: Sequence[int] = (), k: int = 3) -> float:
    found = OfClasses(name, tuple(without), k)(*pair)
    assert found.shape == (len(NAMES),)
    np.testing.assert_array_equal(found, found[0])  # the table's score, in every column
    return float(found[0])


def labels_of(pair: tuple[Table, Table]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return pair[0].argmax(axis=1), pair[1].argmax(axis=1)


@pytest.mark.parametrize("average", ["micro", "macro", "weighted"])
@pytest.mark.parametrize("without", [(), (0,), (1, 3)])
@given(pair=tables())
def test_f1(average: str, without: Sequence[int], pair: tuple[Table, Table]) -> None:
    truth, found = labels_of(pair)
    there = sorted(({*truth.tolist(), *found.tolist()}) - set(without))
    value = score(f"{average}_f1", pair, without)
    if not there or (average == "weighted" and not np.isin(truth, there).any()):
        assert np.isnan(value)
        return
    expected = sklearn.f1_score(truth, found, labels=there, average=average, zero_division=0)
    assert value == pytest.approx(expected)


@given(pair=tables())
def test_accuracy_and_log_loss(pair: tuple[Table, Table]) -> None:
    truth, found = labels_of(pair)
    assert score("accuracy", pair) == pytest.approx(sklearn.accuracy_score(truth, found))
    expected = -sklearn.log_loss(truth, pair[1], labels=range(len(NAMES)))
    assert score("log_loss", pair) == pytest.approx(expected)


@pytest.mark.parametrize("without", [(), (0,)])
@given(pair=tables())
def test_areas(without: Sequence[int], pair: tuple[Table, Table]) -> None:
    found: dict[str, list[float]] = {"auc": [], "auprc": [], "average_precision": []}
    for place in range(len(NAMES)):
        own, likely = pair[0][:, place], pair[1][:, place]
        if place in without or not own.any():
            continue
        found["average_precision"].append(sklearn.average_precision_score(own, likely))
        precision, recall, _ = sklearn.precision_recall_curve(own, likely)
        found["auprc"].append(sklearn.auc(recall, precision))
        if not own.all():
            found["auc"].append(sklearn.roc_auc_score(own, likely))
    for name, values in found.items():
        expected = np.mean(values) if values else np.nan
        assert score(name, pair, without) == pytest.approx(expected, nan_ok=True)


@given(pair=tables())
def test_kappa(pair: tuple[Table, Table]) -> None:
    truth, found = labels_of(pair)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one class on both sides
        expected = sklearn.cohen_kappa_score(truth, found, weights="quadratic", labels=range(len(NAMES)))
    assert score("qwk", pair) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("k", [1, 2, 3, 4])
@given(pair=tables())
def test_map_at_k(k: int, pair: tuple[Table, Table]) -> None:
    expected = []
    for own, likely in zip(*pair, strict=True):
        ranking = sorted(range(len(NAMES)), key=lambda place: (-likely[place], place))[:k]
        truth = int(own.argmax())
        expected.append(1 / (1 + ranking.index(truth)) if truth in ranking else 0.0)
    assert score("map", pair, k=k) == pytest.approx(np.mean(expected))


def test_what_klue_counts() -> None:
    """Three right of four predicted relations, of five there are: `no_relation` does not count."""
    truth = np.eye(4)[[0, 0, 1, 1, 2, 3, 3]]
    found = np.eye(4)[[0, 1, 1, 0, 2, 3, 0]]
    assert score("micro_f1", (truth, found), [0]) == pytest.approx(2 * 3 / (4 + 5))


@pytest.mark.parametrize("name", classes.NAMES)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_has_no_score(name: str, bad: float) -> None:
    truth, prediction = np.eye(4), np.eye(4) / 2 + 0.125
    prediction[1, 2] = bad
    assert np.isnan(score(name, (truth, prediction)))
    assert np.isnan(score(name, (truth[:0], prediction[:0])))


@pytest.mark.parametrize("name", classes.NAMES)
def test_a_perfect_prediction_has_the_best_score(name: str) -> None:
    assert score(name, (np.eye(4), np.eye(4))) == pytest.approx(0 if name == "log_loss" else 1)


def test_f1_by_class() -> None:
    truth, found = np.eye(4)[[0, 0, 1, 2]], np.eye(4)[[0, 1, 1, 0]]
    np.testing.assert_allclose(classes.f1_by_class(truth, found), [0.5, 2 / 3, 0, np.nan])


def test_metrics_are_found_by_name() -> None:
    assert build("micro_f1", CLASSES, NAMES, ["none"]) == OfClasses("micro_f1", (0,))
    with pytest.raises(FoldshipError, match="micro_f1, which other targets have"):
        build("micro_f1", NUMBERS, NAMES)
    with pytest.raises(FoldshipError, match="spearmann"):
        build("spearmann", NUMBERS, NAMES)
    with pytest.raises(FoldshipError, match="'nothing'"):
        build("micro_f1", CLASSES, NAMES, ["nothing"])
