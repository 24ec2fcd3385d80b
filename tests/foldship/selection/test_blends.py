from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from foldship import selection
from foldship.selection import blends

TARGETS = ["one", "two"]
ROWS = 200


@pytest.fixture
def truth() -> pd.DataFrame:
    random = np.random.default_rng(0)
    values = np.where(random.random((ROWS, 2)) < 0.7, 0.0, random.integers(1, 4, (ROWS, 2)) / 3)
    table = pd.DataFrame(values, columns=TARGETS)
    table.insert(0, "row", [str(row) for row in range(ROWS)])
    return table


def models(truth: pd.DataFrame, names: str) -> dict[str, pd.DataFrame]:
    """Models by their letters, each noisier than the one before."""
    result = {}
    for place, name in enumerate(names):
        noise = np.random.default_rng(place).uniform(0, 0.4 + 0.1 * place, (ROWS, len(TARGETS)))
        changed = (truth[TARGETS] * 0.5 + noise).to_dict("series")
        result[name] = truth.assign(**changed, fold=np.arange(ROWS) % 4)
    return result


@pytest.mark.parametrize(("names", "count"), [("a", 1), ("ab", 3), ("abcd", 15), ("abcdef", 7)])
def test_all_sets_of_few_models_are_fitted_and_of_many_only_those_that_are_sure(
    names: str, count: int
) -> None:
    chosen = blends.sets(names[::-1])
    assert len(set(chosen)) == len(chosen) == count
    assert chosen[-1] == tuple(names)
    assert {(name,) for name in names} <= set(chosen)


def test_a_set_is_fitted_as_if_the_other_models_were_not_there(truth: pd.DataFrame, tmp_path: Path) -> None:
    oof = models(truth, "abc")
    chosen = selection.run(truth, oof, tmp_path / "all")
    fitted = {tuple(blend["models"]): blend for blend in chosen.blends}
    assert len(fitted) == 7
    for names in (("a",), ("a", "c")):
        alone = selection.run(truth, {name: oof[name] for name in names}, tmp_path / "_".join(names))
        blend = fitted[names]
        assert blend["weights"] == alone.weights == dict.fromkeys(names, 1 / len(names))
        assert blend["postprocess"] == alone.steps != chosen.steps
        assert blend["score"] == alone.scores["all"]["nested"]
        assert blend["pooled"] == alone.scores["all"]["pooled"]
    assert chosen.blends[-1]["postprocess"] == chosen.steps
    assert chosen.blends[-1]["score"] == chosen.scores["all"]["nested"]


def test_a_further_blend_is_what_the_selection_would_have_fitted(truth: pd.DataFrame, tmp_path: Path) -> None:
    oof = models(truth, "abc")
    chosen = selection.run(truth, oof, tmp_path)
    further = selection.fit_blend(truth, oof, {"c", "b"})
    assert further in chosen.blends
    selection.add_blends(tmp_path, [further])
    stored = json.loads((tmp_path / selection.FILE_NAME).read_text())
    assert stored["blends"][-2:] == [further, chosen.blends[-1]]


def test_each_models_correlations_are_stored_by_target(truth: pd.DataFrame, tmp_path: Path) -> None:
    oof = models(truth, "ab")
    oof["b"]["one"] = 0.5
    flat = truth.assign(two=0.0)
    found = selection.run(flat, oof, tmp_path).correlations
    assert found["a"] == [pytest.approx(flat["one"].corr(oof["a"]["one"], method="spearman")), None]
    assert found["b"] == [0.0, None]
