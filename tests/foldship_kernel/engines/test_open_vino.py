from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_bundle

pytest.importorskip("openvino")

from foldship_kernel.engines import onnx_runtime, open_vino, open_vino_fp32
from foldship_kernel.engines.base import OPENVINO

THREADS = 4


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    return tiny_bundle.write_export(folder, 1) / "encoder-fold0.onnx"


def batch(seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    shape = (int(random.integers(1, 9)), int(random.integers(1, 30)))
    ids = random.integers(5, 1000, shape)
    return {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}


def test_outputs_are_onnx_runtimes_and_the_provider_names_the_precision(encoder: Path) -> None:
    graph, reference = open_vino.open(encoder, None, 1), onnx_runtime.open(encoder, None, 1)
    assert graph.provider in (f"{OPENVINO} bf16", f"{OPENVINO} f32")
    for seed in range(5):
        found = graph.run(graph.prepare(batch(seed)))
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, reference.run(reference.prepare(batch(seed))), atol=0.03)


def test_in_single_precision_outputs_are_onnx_runtimes(encoder: Path) -> None:
    graph, reference = open_vino_fp32.open(encoder, None, 1), onnx_runtime.open(encoder, None, 1)
    assert graph.provider == f"{OPENVINO} f32"
    for seed in range(5):
        found, wanted = (each.run(each.prepare(batch(seed))) for each in (graph, reference))
        np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_the_first_run_of_all_is_nobody_elses(encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the library sets up in it deadlocks where two threads are at it."""
    monkeypatch.setattr(open_vino, "_set_up", threading.Event())
    graph = open_vino.open(encoder, None, 1)
    inside, alone, infer = threading.Semaphore(1), [], graph._infer

    def watched(prepared: Any) -> np.ndarray:
        first = not open_vino._set_up.is_set()
        if first:
            alone.append(inside.acquire(blocking=False))
            time.sleep(0.05)  # long enough for the others to come
        result = infer(prepared)
        if first:
            inside.release()
        return result

    monkeypatch.setattr(graph, "_infer", watched)
    together = threading.Barrier(THREADS)

    def run(seed: int) -> np.ndarray:
        together.wait()
        return graph.run(graph.prepare(batch(seed)))

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(run, range(THREADS)))
    assert alone and all(alone)
    for seed, result in enumerate(found):
        np.testing.assert_array_equal(result, graph.run(graph.prepare(batch(seed))))


def test_threads_run_at_the_same_time_and_do_not_mix_up_their_batches(encoder: Path) -> None:
    graph = open_vino.open(encoder, None, 1)
    expected = [graph.run(graph.prepare(batch(seed))) for seed in range(40)]
    together = threading.Barrier(THREADS)

    def run(first: int) -> list[np.ndarray]:
        together.wait()
        return [graph.run(graph.prepare(batch(seed))) for seed in range(first, 40, THREADS)]

    with ThreadPoolExecutor(THREADS) as pool:
        for first, found in enumerate(pool.map(run, range(THREADS))):
            for one, other in zip(found, expected[first::THREADS], strict=True):
                np.testing.assert_array_equal(one, other)


def test_an_output_outlives_the_next_run_and_inputs_may_be_read_only(encoder: Path) -> None:
    graph = open_vino.open(encoder, None, 1)
    inputs = batch(0)
    for value in inputs.values():
        value.flags.writeable = False
    first = graph.run(graph.prepare(inputs))
    kept = first.copy()
    graph.run(graph.prepare(batch(1)))
    np.testing.assert_array_equal(first, kept)


CRAMPED = """
import resource, sys
from pathlib import Path
import numpy as np
from foldship_kernel.engines import open_vino
graph = open_vino.open(Path(sys.argv[1]), None, 1)
ids = np.full((1000, 3000), 7)
inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
graph.run({name: value[:2, :5] for name, value in inputs.items()})
taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + 2**25, taken + 2**25))
try:
    graph.run(graph.prepare(inputs))
except MemoryError as error:
    print("out of memory:", error)
graph.run({name: value[:2, :7] for name, value in inputs.items()})
"""


def test_too_little_memory_is_a_memory_error_and_smaller_batches_still_run(encoder: Path, root: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", CRAMPED, str(encoder)],
        env={**os.environ, "PYTHONPATH": str(root / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("out of memory:")


def test_a_cut_weights_file_is_an_error(tmp_path: Path) -> None:
    folder = tiny_bundle.write_export(tmp_path, 1)
    weights = folder / "weights.bin"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(Exception, match=r"weights\.bin|external"):
        open_vino.open(folder / "encoder-fold0.onnx", None, 1)
