"""One built kernel, from a generated row to the journal."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import contest, kernels, models, ours, texts
from foldship_kernel.errors import FoldshipError


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> models.Models:
    return models.Models(tmp_path_factory.mktemp("models"), folds=1)


def test_a_kernel_runs_on_generated_rows_and_says_what_it_took(made: models.Models, tmp_path: Path) -> None:
    rows = texts.rows(6, words=(3, 8), repeated=True)
    built = kernels.build(made.small, tmp_path / "bundle", folds=1)
    test = kernels.write_input(tmp_path / "test", rows)
    finished = kernels.run(built, test, tmp_path / "scratch")
    assert finished.journal["rows"] == 6
    assert 0 < finished.journal["phases"]["predict"] < finished.seconds
    assert finished.memory_gib > 0

    (built / "dataset" / "bundle.json").unlink()
    with pytest.raises(FoldshipError, match="did not run to its end"):
        kernels.run(built, test, tmp_path / "scratch")


def test_all_our_engines_return_the_same_logits(made: models.Models) -> None:
    encoded = made.encode(made.small.card, texts.rows(5, words=(3, 8), repeated=True))
    wanted = ours.predictor(made.small, ours.ONNX_RUNTIME)(encoded)
    assert wanted.shape == (5, 30)
    for engine in ours.CPU_ENGINES:
        try:
            found = ours.predictor(made.small, engine)(encoded)
        except contest.UnavailableError:
            continue
        assert contest.relative_error(found, wanted) < contest.LIMITS[engine.precision]
