"""A built bundle under every limit: always a submission, always in time, never worse for more time."""

from __future__ import annotations

import itertools
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_bundle
from clock import Clock
from tiny_bundle import TinyBundle, check_submission, run_kernel, write_input

from foldship_kernel import devices, run
from foldship_kernel.deadline import Deadline
from foldship_kernel.engines.onnx_runtime import OnnxRuntimeGraph
from foldship_kernel.governor import work
from foldship_kernel.manifest import Cost

COMPETITION = "competitions/google-quest-challenge"
DATASET = "datasets/someone/tiny-bundle"
SHARES = (1.0, 0.5, 0.25, 0.1, 0.02)
FOLDS = 5
OPERATIONS_PER_S = 3e10


def mount(bundle: TinyBundle, inputs: Path) -> Path:
    """A copy of the dataset at its mount point."""
    shutil.copytree(bundle.dataset, inputs / DATASET)
    return inputs / DATASET


def facts(working: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((working / "foldship.json").read_text())
    return value


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> TinyBundle:
    """Folds that take a few seconds each over the rows of these tests."""
    return tiny_bundle.build(tmp_path_factory.mktemp("slow"), models={"m": FOLDS}, labour=24)


@pytest.fixture(scope="module")
def slow_inputs(slow: TinyBundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    inputs = tmp_path_factory.mktemp("input")
    mount(slow, inputs)
    write_input(inputs / COMPETITION, 600, shuffled=True)
    return inputs


def test_any_limit_gives_a_submission_in_time_and_more_time_gives_more_folds(
    slow: TinyBundle, slow_inputs: Path, tmp_path: Path
) -> None:
    unlimited = tmp_path / "unlimited"
    assert run_kernel(slow.kernel, slow_inputs, unlimited).returncode == 0
    needed = facts(unlimited)["seconds"]
    assert len(facts(unlimited)["folds_used"]) == FOLDS
    used, scores = [facts(unlimited)["folds_used"]], [facts(unlimited)["score"]]
    for share in SHARES:
        working = tmp_path / f"{share}"
        limit = share * needed
        result = run_kernel(slow.kernel, slow_inputs, working, FOLDSHIP_LIMIT_S=f"{limit:.3f}")
        assert result.returncode == 0, result.stdout + result.stderr
        check_submission(working, slow_inputs / COMPETITION)
        # Below a second the machine's own hiccups decide; the ticking clock's test covers such limits.
        assert facts(working)["seconds"] < max(limit, 1.0)
        used.append(facts(working)["folds_used"])
        scores.append(facts(working).get("score") or 0.0)
    assert all(set(less) <= set(more) for more, less in itertools.pairwise(used))
    assert scores == sorted(scores, reverse=True)
    assert len(used[-1]) < FOLDS


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A device with a clock of its own, which goes on with the operations of its batches alone.

    It runs one batch after the other, so that nothing depends on how busy this machine is.
    """
    clock = Clock()
    cost = Cost(layers=1, width=384, intermediate=1, tokens_per_row=90.0, longest=64)  # as tiny_bundle has it
    run_ = OnnxRuntimeGraph.run

    def ran(self: OnnxRuntimeGraph, prepared: Any) -> Any:
        outputs = run_(self, prepared)
        if "input_ids" in prepared.values:
            rows, longest = prepared.values["input_ids"].shape()
            clock.now += work(np.full(rows, longest), cost) / OPERATIONS_PER_S
        return outputs

    monkeypatch.setattr(devices, "threads", lambda: 1)
    monkeypatch.setattr(OnnxRuntimeGraph, "run", ran)
    return clock


def test_with_a_clock_of_its_own_more_time_never_means_less(
    device: Clock, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bundle = tiny_bundle.build(tmp_path_factory.mktemp("ticking"), models={"a": 3, "b": 2})
    inputs = tmp_path / "input"
    mount(bundle, inputs)
    competition = write_input(inputs / COMPETITION, 400, shuffled=True)

    def play(limit_s: float) -> tuple[list[str], float]:
        working = tmp_path / f"{limit_s:.2f}"
        working.mkdir()
        device.now = 0.0
        manifest = inputs / DATASET / "bundle.json"
        kernel = run.Kernel(manifest, inputs, working, working, Deadline(0.0, limit_s, device))
        kernel.fall_back()
        kernel.predict()
        assert kernel.finish() == 0
        check_submission(working, competition)
        return facts(working)["folds_used"], device.now

    everything, needed = play(1e6)
    assert len(everything) == 5
    before: list[str] = []
    for share in sorted(SHARES):
        used, _ = play(share * (needed + 5))
        assert set(before) <= set(used), share
        before = used
    assert len(before) == 5


def test_told_to_stop_the_kernel_keeps_what_it_has(
    slow: TinyBundle, slow_inputs: Path, tmp_path: Path
) -> None:
    working = tmp_path / "working"
    working.mkdir()
    process = subprocess.Popen(
        [sys.executable, str(slow.kernel / "main.py")],
        cwd=working,
        env={"PATH": "/usr/bin:/bin", "FOLDSHIP_INPUT": str(slow_inputs), "FOLDSHIP_WORKING": str(working)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        until = time.monotonic() + 120
        while time.monotonic() < until:
            if (working / "foldship.json").exists() and facts(working)["folds_used"]:
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0, output
    assert "TOLD TO STOP (SIGTERM)" in output
    check_submission(working, slow_inputs / COMPETITION)
    kept = facts(working)
    assert kept["status"] == "partial" and 0 < len(kept["folds_used"]) < FOLDS
    assert all(why.startswith("no time") for why in kept["folds_left_out"].values())


def test_a_missing_model_file_costs_one_fold(tmp_path: Path) -> None:
    bundle = tiny_bundle.build(tmp_path / "bundle", models={"m": 3})
    inputs = tmp_path / "input"
    dataset = mount(bundle, inputs)
    competition = write_input(inputs / COMPETITION)
    (dataset / "models" / "m" / "head-fold1.onnx").unlink()
    result = run_kernel(bundle.kernel, inputs, tmp_path / "working")
    assert result.returncode == 0, result.stdout + result.stderr
    check_submission(tmp_path / "working", competition)
    kept = facts(tmp_path / "working")
    assert kept["folds_used"] == ["m fold 0", "m fold 2"]
    assert "missing" in result.stdout and list(kept["folds_left_out"]) == ["m fold 1"]


def test_fifty_thousand_rows(tmp_path: Path) -> None:
    bundle = tiny_bundle.build(tmp_path / "bundle", models={"m": 2})
    inputs = tmp_path / "input"
    mount(bundle, inputs)
    answers = [f"Turn it {number % 977} times to the left." for number in range(50_000)]
    competition = write_input(inputs / COMPETITION, 50_000, shuffled=True, answer=answers)
    result = run_kernel(bundle.kernel, inputs, tmp_path / "working")
    assert result.returncode == 0, result.stdout + result.stderr
    assert len(check_submission(tmp_path / "working", competition)) == 50_000
    assert facts(tmp_path / "working")["status"] == "complete"
