"""Bands of a number's range, and confused classes."""

from __future__ import annotations

import numpy as np
import pytest

from foldship.selection import details
from foldship.selection.align import OutOfFold


def data(truth: np.ndarray, *targets: str) -> OutOfFold:
    rows = np.arange(len(truth))
    return OutOfFold(tuple(map(str, rows)), targets, truth, {}, rows % 2, (), rows)


def test_errors_are_told_by_band() -> None:
    truth = np.array([0.0, 0.5, 1.0, 2.5, 4.0, 5.0, 4.5])[:, None]
    found = truth + np.array([0.5, 0.3, 0.1, -0.2, -1.0, -1.0, -1.0])[:, None]
    bands = details.bands(data(truth, "score"), found)
    assert [(band["low"], band["high"], band["rows"]) for band in bands] == [
        (0, 1, 2),
        (1, 2, 1),
        (2, 3, 1),
        (4, 5, 3),
    ]
    assert bands[0]["error"] == pytest.approx(0.4) and bands[0]["bias"] == pytest.approx(0.4)
    assert bands[-1]["error"] == pytest.approx(1.0) and bands[-1]["bias"] == pytest.approx(-1.0)
    assert bands[-1]["pearson"] == pytest.approx(1.0) and bands[1]["pearson"] is None


def test_thirty_targets_have_no_bands() -> None:
    assert details.bands(data(np.zeros((4, 30)), *map(str, range(30))), np.zeros((4, 30))) == []


def test_confusion_counts_rows() -> None:
    truth, found = np.eye(3)[[0, 0, 1, 2, 2]], np.eye(3)[[0, 1, 1, 0, 2]]
    assert details.confusion(data(truth, *"abc"), found) == [[1, 1, 0], [0, 1, 0], [1, 0, 1]]
