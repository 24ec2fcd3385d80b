from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tiny_bundle

from foldship_kernel.engines import onnx_runtime
from foldship_kernel.engines.base import CPU, Graph


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    folder = tiny_bundle.write_export(tmp_path_factory.mktemp("export"), 1)
    return onnx_runtime.open(folder / "encoder-fold0.onnx", None, 1)


def batch(seed: int) -> dict[str, np.ndarray]:
    ids = np.random.default_rng(seed).integers(0, tiny_bundle.VOCABULARY, (8, 50))
    return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}


def test_the_provider_is_told(graph: Graph) -> None:
    assert graph.provider == CPU


def test_a_batch_lives_as_long_as_it_is_needed(graph: Graph) -> None:
    """Nothing but the prepared batch refers to its arrays, and much happens before it runs."""
    expected = [graph.run(graph.prepare(batch(seed))) for seed in range(30)]
    prepared = [graph.prepare(batch(seed)) for seed in range(30)]
    gc.collect()
    rubbish = [np.full((8, 50), -1) for _ in range(300)]
    found = [graph.run(one) for one in prepared]
    del prepared, rubbish
    gc.collect()
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_threads_run_one_graph_at_the_same_time(graph: Graph) -> None:
    expected = [graph.run(graph.prepare(batch(seed))) for seed in range(20)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda seed: graph.run(graph.prepare(batch(seed))), range(20)))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
