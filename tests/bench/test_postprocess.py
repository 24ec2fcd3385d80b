from __future__ import annotations

from pathlib import Path

import pytest

from bench import options, postprocess
from foldship.config.selecting import Blending, PostProcessing
from foldship.selection import blends, kinds, weighting
from foldship_kernel.errors import FoldshipError


def test_both_ways_are_timed_and_every_kind_is_listed() -> None:
    done = postprocess.run(options.read("tiny", "postprocess", 1, Path("folder"), Path("page")))
    assert set(done.ratios) == {"clip_fit_vs_spearmanr_loop", "floor_fit_vs_spearmanr_loop"}
    assert all(value > 0 for value in done.ratios.values())
    chosen = {f"choosing among {', '.join(names)}" for names in (["clip"], kinds.FITTERS)}
    assert {row[0] for row in done.tables[1].rows} == {*kinds.FITTERS, *chosen}


def test_all_that_is_chosen_is_chosen_for_the_columns_that_are_fitted() -> None:
    data = postprocess.out_of_fold(postprocess.made_up(600, 3))
    assert data.truth.shape == data.predictions["model"].shape == (600, 3)
    assert set(data.folds.tolist()) == set(range(5))
    whole = blends.fit(data, weighting.fit(data, ["model"], Blending()), (), PostProcessing(kinds=("clip",)))
    assert whole.steps


def test_both_ways_find_the_same_bounds_and_denominators() -> None:
    for truth, prediction in postprocess.made_up(200, 2):
        ours, theirs = (
            postprocess.clip_by_sums(truth, prediction),
            postprocess.clip_by_calls(truth, prediction),
        )
        assert ours["score"] == pytest.approx(theirs["score"], abs=1e-9)
        ours, theirs = (
            postprocess.floor_by_sums(truth, prediction),
            postprocess.floor_by_calls(truth, prediction),
        )
        assert ours["score"] == pytest.approx(theirs["score"], abs=1e-9)


def test_ways_that_differ_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postprocess, "clip_by_sums", lambda truth, prediction: {"score": 1.0})
    with pytest.raises(FoldshipError, match="the two ways differ"):
        postprocess.run(options.read("tiny", "postprocess", 1, Path("folder"), Path("page")))
