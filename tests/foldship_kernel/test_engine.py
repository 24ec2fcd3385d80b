from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_bundle

from foldship_kernel import engine
from foldship_kernel.encode import EncodedRows
from foldship_kernel.errors import FoldshipError

LENGTHS = [3, 9, 1, 5, 7, 2]


@pytest.fixture(scope="module")
def fold(tmp_path_factory: pytest.TempPathFactory) -> engine.Fold:
    folder = tiny_bundle.write_export(tmp_path_factory.mktemp("export"), 1)
    return engine.Fold(
        folder / "missing.onnx", folder / "encoder-fold0.onnx", folder / "head-fold0.onnx", gpus=0
    )


@pytest.fixture
def encoded() -> EncodedRows:
    random = np.random.default_rng(0)
    return EncodedRows(
        [random.integers(5, 1000, size).astype(np.int32) for size in LENGTHS],
        np.array(LENGTHS, dtype=np.int32),
        np.array([[0, 1], [2, 3], [0, 4], [5, 5], [1, 0]]),
    )


def predict(
    fold: engine.Fold, encoded: EncodedRows, progress: engine.Progress = lambda _: None
) -> np.ndarray:
    features = np.linspace(-1, 1, len(encoded.index) * tiny_bundle.FEATURE_WIDTH, dtype=np.float32)
    return fold.predict(
        encoded,
        features.reshape(len(encoded.index), -1),
        pad_id=0,
        segment_ids=True,
        progress=progress,
    )


def test_rows_get_the_same_logits_however_they_are_batched(
    fold: engine.Fold, encoded: EncodedRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "token_budget", 1000)
    together = predict(fold, encoded)
    monkeypatch.setattr(fold, "token_budget", 1)
    monkeypatch.setattr(engine, "HEAD_ROWS", 2)
    np.testing.assert_allclose(predict(fold, encoded), together, atol=1e-5)
    assert together.shape == (5, 30)


def test_progress_counts_every_distinct_token_once(fold: engine.Fold, encoded: EncodedRows) -> None:
    done: list[int] = []
    predict(fold, encoded, done.append)
    assert sum(done) == sum(LENGTHS)


def test_what_progress_raises_ends_the_work(fold: engine.Fold, encoded: EncodedRows) -> None:
    def stop(tokens: int) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        predict(fold, encoded, stop)


class Cramped:
    """An encoder that fails as ONNX Runtime does when a batch holds more than `limit` padded tokens."""

    provider = engine.CPU

    def __init__(self, graph: engine.Graph, limit: int) -> None:
        self._graph, self._limit = graph, limit
        self.failures = 0

    def run(self, inputs: Mapping[str, Any]) -> np.ndarray:
        if inputs["input_ids"].size > self._limit:
            self.failures += 1
            raise RuntimeError(
                "[ONNXRuntimeError] : Failed to allocate memory for requested buffer of size 9"
            )
        return self._graph.run(inputs)


def test_batches_shrink_until_they_fit_in_memory(
    fold: engine.Fold, encoded: EncodedRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = predict(fold, encoded)
    cramped = Cramped(fold._encoders[0], 14)
    monkeypatch.setattr(fold, "_encoders", [cramped])
    monkeypatch.setattr(fold, "token_budget", 64)
    np.testing.assert_allclose(predict(fold, encoded), expected, atol=1e-5)
    assert 0 < cramped.failures <= 3
    assert fold.token_budget <= 32


def test_one_sequence_that_does_not_fit_is_an_error(
    fold: engine.Fold, encoded: EncodedRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "_encoders", [Cramped(fold._encoders[0], 8)])
    with pytest.raises(FoldshipError, match="9 tokens"):
        predict(fold, encoded)


def test_several_devices_share_the_batches(
    fold: engine.Fold, encoded: EncodedRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = predict(fold, encoded)
    monkeypatch.setattr(fold, "_encoders", [fold._encoders[0]] * 3)
    monkeypatch.setattr(fold, "token_budget", 4)
    np.testing.assert_allclose(predict(fold, encoded), expected, atol=1e-5)


def test_without_a_gpu_the_provider_is_the_cpu(fold: engine.Fold) -> None:
    assert fold.provider == engine.CPU
    assert engine.prepare(gpu=False) == 0


def test_a_session_that_fails_does_not_go_on_elsewhere_by_itself(fold: engine.Fold) -> None:
    assert not any(graph._session._enable_fallback for graph in (*fold._encoders, fold._head))


def test_a_cut_weights_file_is_an_error(tmp_path: Path) -> None:
    folder = tiny_bundle.write_export(tmp_path, 1)
    weights = folder / "weights.bin"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(Exception, match=r"weights\.bin|[Ee]xternal"):
        engine.Fold(
            folder / "missing.onnx", folder / "encoder-fold0.onnx", folder / "head-fold0.onnx", gpus=0
        )
