"""The peers that need nothing but the project's own packages, on a tiny backbone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench import texts
from bench.peers import batches, optimum_ort, pytorch, trainer
from foldship.training import precision
from foldship_kernel.encoded import EncodedRows


@pytest.fixture(scope="module")
def rows() -> EncodedRows:
    random = np.random.default_rng(0)
    made = [random.integers(1000, 2000, length).astype(np.int32) for length in (5, 40, 12, 3, 60) * 7]
    forward = texts.gather(made)
    return replace(forward, index=forward.index[::-1])


def test_pooling_skips_the_padding() -> None:
    hidden = np.array([[[1.0, 2.0], [3.0, 4.0], [9.0, 9.0]]], dtype=np.float32)
    assert batches.mean_pool(hidden, np.array([[1, 1, 0]])).tolist() == [[2.0, 3.0]]


def test_an_earlier_trainings_precision_is_not_the_trainers(
    rows: EncodedRows, tiny_backbone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = pytorch.build(str(tiny_backbone), "eager")(rows)
    monkeypatch.setenv(precision.LEFT_BEHIND, "bf16")  # as a training on a processor with bf16 leaves it
    found = trainer.build(str(tiny_backbone), "sdpa", 64)(rows)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_all_return_the_same_vectors_in_the_order_of_the_rows(
    rows: EncodedRows, tiny_backbone: Path, tmp_path: Path
) -> None:
    source = str(tiny_backbone)
    alone = pytorch.build(source, "eager")
    wanted = np.concatenate([alone(rows.take(np.array([row]))) for row in range(len(rows.index))])
    for run in (
        pytorch.build(source, "sdpa"),
        trainer.build(source, "sdpa", 64),
        optimum_ort.build(source, tmp_path, threads=1),
    ):
        np.testing.assert_allclose(run(rows), wanted, atol=1e-5)
