"""Sixty rows of a small competition, and what a model is adopted for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import elsewhere
import numpy as np
import pandas as pd
import pytest

from foldship import folds
from foldship.adoption import Given
from foldship.competitions.base import Competition


@pytest.fixture(scope="session")
def rows() -> pd.DataFrame:
    rating = np.random.default_rng(0).uniform(-5, 5, 60)
    return elsewhere.texts(60).assign(rating=rating)


@pytest.fixture
def given(tmp_path: Path, rows: pd.DataFrame) -> Callable[..., Given]:
    """What models are adopted for; keys of `competition.yaml` may differ."""

    def build(frame: pd.DataFrame = rows, **declared: Any) -> Given:
        made: Competition = elsewhere.competition(tmp_path / "kernels", **declared)
        table = folds.make(frame["key"], made.groups(frame), frame[list(made.task.targets)], 2, 0)
        return Given(made.task, frame, table, tmp_path / "weights" / "small", tmp_path)

    return build
