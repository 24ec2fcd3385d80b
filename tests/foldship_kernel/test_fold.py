from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_bundle

from foldship_kernel import fold as fold_module
from foldship_kernel.budget import TokenBudget
from foldship_kernel.encode import EncodingSpec
from foldship_kernel.encoded import EncodedRows, ends
from foldship_kernel.engines import onnx_runtime
from foldship_kernel.engines.base import CPU, CUDA, Graph
from foldship_kernel.errors import FoldshipError
from foldship_kernel.fold import Fold, Progress

LENGTHS = [3, 9, 1, 5, 7, 2]
SPEC = EncodingSpec.from_dict(tiny_bundle.ENCODING)


@pytest.fixture(scope="module")
def fold(tmp_path_factory: pytest.TempPathFactory) -> Fold:
    folder = tiny_bundle.write_export(tmp_path_factory.mktemp("export"), 1)
    return Fold(folder / "missing.onnx", folder / "encoder-fold0.onnx", folder / "head-fold0.onnx", gpus=0)


@pytest.fixture
def encoded() -> EncodedRows:
    return EncodedRows(
        tokens=np.random.default_rng(0).integers(5, 1000, sum(LENGTHS)).astype(np.int32),
        offsets=ends(np.array(LENGTHS)),
        boundaries=np.array(LENGTHS, dtype=np.int32),
        index=np.array([[0, 1], [2, 3], [0, 4], [5, 5], [1, 0]]),
    )


def predict(
    fold: Fold, encoded: EncodedRows, budget: int = 16, progress: Progress = lambda _: None
) -> np.ndarray:
    features = np.linspace(-1, 1, len(encoded.index) * tiny_bundle.FEATURE_WIDTH, dtype=np.float32)
    return fold.predict(
        encoded,
        features.reshape(len(encoded.index), -1),
        SPEC,
        budget=TokenBudget([budget]),
        progress=progress,
    )


def test_rows_get_the_same_logits_however_they_are_batched(
    fold: Fold, encoded: EncodedRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = predict(fold, encoded, 1000)
    monkeypatch.setattr(fold_module, "HEAD_ROWS", 2)
    np.testing.assert_allclose(predict(fold, encoded, 1), together, atol=1e-5)
    assert together.shape == (5, 30)


def test_a_row_of_several_readings_gets_the_mean_of_their_logits(fold: Fold, encoded: EncodedRows) -> None:
    owner = np.array([0, 0, 1, 2, 2])
    features = np.random.default_rng(1).normal(size=(3, tiny_bundle.FEATURE_WIDTH)).astype(np.float32)
    alone = fold.predict(encoded, features[owner], SPEC, budget=TokenBudget([64]))
    together = fold.predict(replace(encoded, owner=owner), features, SPEC, budget=TokenBudget([64]))
    expected = [alone[owner == row].mean(axis=0) for row in range(3)]
    np.testing.assert_allclose(together, expected, atol=1e-5)


def test_progress_counts_every_distinct_token_once(fold: Fold, encoded: EncodedRows) -> None:
    done: list[int] = []
    predict(fold, encoded, progress=lambda lengths: done.extend(lengths.tolist()))
    assert sorted(done) == sorted(LENGTHS)


def test_what_progress_raises_ends_the_work(fold: Fold, encoded: EncodedRows) -> None:
    def stop(lengths: np.ndarray) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        predict(fold, encoded, progress=stop)


class Cramped:
    """An encoder that fails as ONNX Runtime does when a batch holds more than `limit` padded tokens."""

    provider = CPU

    def __init__(self, graph: Graph, limit: int) -> None:
        self._graph, self._limit = graph, limit
        self.failures = 0

    def prepare(self, inputs: Mapping[str, Any]) -> Any:
        if inputs["input_ids"].size > self._limit:
            self.failures += 1
            raise RuntimeError(
                "[ONNXRuntimeError] : Failed to allocate memory for requested buffer of size 9"
            )
        return self._graph.prepare(inputs)

    def run(self, prepared: Any) -> np.ndarray:
        return self._graph.run(prepared)


@pytest.mark.parametrize("workers", [1, 3])
def test_batches_shrink_until_they_fit_in_memory(
    fold: Fold, encoded: EncodedRows, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    expected = predict(fold, encoded)
    cramped = Cramped(fold._encoders[0], 14)
    monkeypatch.setattr(fold, "_encoders", [cramped] * workers)
    budget = TokenBudget([64])
    features = np.zeros((5, tiny_bundle.FEATURE_WIDTH), dtype=np.float32)
    fold.predict(encoded, features, SPEC, budget=budget)
    np.testing.assert_allclose(predict(fold, encoded, 64), expected, atol=1e-5)
    assert cramped.failures > 0
    assert budget.value <= 32


def test_one_sequence_that_does_not_fit_is_an_error(
    fold: Fold, encoded: EncodedRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "_encoders", [Cramped(fold._encoders[0], 8)])
    with pytest.raises(FoldshipError, match="9 tokens"):
        predict(fold, encoded)


def test_another_error_of_a_worker_ends_the_work(
    fold: Fold, encoded: EncodedRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(prepared: Any) -> np.ndarray:
        raise RuntimeError("CUDA failure 700")

    broken = Cramped(fold._encoders[0], 1000)
    monkeypatch.setattr(broken, "run", fail)
    monkeypatch.setattr(fold, "_encoders", [broken, broken])
    with pytest.raises(RuntimeError, match="700"):
        predict(fold, encoded, 1)


def test_several_devices_share_the_batches(
    fold: Fold, encoded: EncodedRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = predict(fold, encoded)
    monkeypatch.setattr(fold, "_encoders", [fold._encoders[0]] * 3)
    monkeypatch.setattr(fold, "provider", CUDA)  # two workers for each
    np.testing.assert_allclose(predict(fold, encoded, 4), expected, atol=1e-5)


def test_without_a_gpu_the_provider_is_the_cpu(fold: Fold) -> None:
    assert fold.provider == CPU
    assert onnx_runtime.cuda_devices(wanted=False) == 0


def test_a_session_that_fails_does_not_go_on_elsewhere_by_itself(fold: Fold) -> None:
    assert not any(graph._session._enable_fallback for graph in (*fold._encoders, fold._head))


def test_a_cut_weights_file_is_an_error(tmp_path: Path) -> None:
    folder = tiny_bundle.write_export(tmp_path, 1)
    weights = folder / "weights.bin"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(Exception, match=r"weights\.bin|[Ee]xternal"):
        Fold(folder / "missing.onnx", folder / "encoder-fold0.onnx", folder / "head-fold0.onnx", gpus=0)
