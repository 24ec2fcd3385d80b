"""Without out-of-fold predictions of every model nothing is fitted, and no score is made up."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foldship import metrics, selection
from foldship.config.selecting import Blending, PostProcessing
from foldship_kernel.errors import DataError

IDS = [f"r{number}" for number in range(40)]


@pytest.fixture
def truth() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame({"id": IDS, "a": random.uniform(size=40), "b": random.uniform(size=40)})


def run(
    truth: pd.DataFrame, oof: dict[str, pd.DataFrame | None], out: Path, **blending: object
) -> selection.Selection:
    return selection.run_unfitted(
        truth,
        oof,
        out,
        ("b",),
        processing=PostProcessing(),
        blending=Blending.model_validate(blending),
        score=metrics.spearman,
        metric="spearman",
    )


def test_all_models_count_alike_and_have_no_score(truth: pd.DataFrame, tmp_path: Path) -> None:
    for name in (selection.OUT_OF_FOLD, selection.NESTED, selection.DISTRIBUTIONS):
        (tmp_path / name).write_text("of an earlier selection")
    known = truth.assign(fold=np.arange(40) % 2)
    chosen = run(truth, {"x": None, "y": known, "z": None}, tmp_path, method="greedy", group_mean=0.5)
    assert chosen.weights == {"x": 1 / 3, "y": 1 / 3, "z": 1 / 3}
    assert len(chosen.blends) == 7 and chosen.blends[-1]["models"] == ["x", "y", "z"]
    assert all(blend["score"] is None and not blend["postprocess"] for blend in chosen.blends)
    assert all(blend["group_mean"] == 0.5 for blend in chosen.blends)
    assert chosen.blend["method"] == "mean"
    assert chosen.models["x"] == {"score": None, "score_without_rare": None}
    assert chosen.models["y"]["score"] == pytest.approx(1.0)
    assert "x, z" in chosen.notes[0]
    assert [path.name for path in tmp_path.iterdir()] == [selection.FILE_NAME]
    stored = json.loads((tmp_path / selection.FILE_NAME).read_text())
    assert not selection.is_scored(stored)
    assert stored["fallback"]["a"]["mean"] == pytest.approx(truth["a"].mean())


def test_predictions_that_are_there_must_fit(truth: pd.DataFrame, tmp_path: Path) -> None:
    strange = truth.assign(id=[*IDS[:-1], "stranger"], fold=0)
    with pytest.raises(DataError, match="stranger"):
        run(truth, {"x": None, "y": strange}, tmp_path)
