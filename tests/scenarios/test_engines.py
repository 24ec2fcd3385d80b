"""Bundles whose models run on OpenVINO, in the sandbox: the image has no engine, the bundle's wheels do."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import project
import pytest
import rehearsed
import tiny_bundle
from declared import quest

ENGINE = "openvino"
TARGETS = list(quest.targets)

pytestmark = pytest.mark.sandbox


@dataclass(frozen=True)
class Rehearsed:
    """What came of a rehearsal that passed: the kernel's account, and its predictions."""

    facts: dict[str, Any]
    values: np.ndarray

    @property
    def providers(self) -> list[str]:
        return [run["provider"].split()[0] for run in self.facts["runs"]]


def rehearse(folder: Path, engines: set[str]) -> Rehearsed:
    """Rehearse a bundle of models that want OpenVINO, with the wheels of `engines`."""
    wheels = rehearsed.wheels(engines)
    built = tiny_bundle.build(folder, exported_engine=ENGINE, wheels=wheels)
    verdict, found = rehearsed.rehearse(built, folder, 40)
    assert verdict.passed, (folder / "simulation" / "kernel.log").read_text()
    submission = pd.read_csv(folder / "simulation" / "submission.csv")
    return Rehearsed(found["kernel"], submission[TARGETS].to_numpy())


@pytest.fixture(scope="module")
def with_wheel(tmp_path_factory: pytest.TempPathFactory) -> Rehearsed:
    return rehearse(tmp_path_factory.mktemp("with"), {ENGINE})


@pytest.fixture(scope="module")
def without_wheel(tmp_path_factory: pytest.TempPathFactory) -> Rehearsed:
    return rehearse(tmp_path_factory.mktemp("without"), set())


def test_models_run_on_openvino_out_of_the_bundles_wheel(with_wheel: Rehearsed) -> None:
    assert with_wheel.providers == ["OpenVINO", "OpenVINO"]
    assert with_wheel.facts["status"] == "complete"
    assert with_wheel.facts["notes"] == []


def test_without_the_wheel_onnx_runtime_takes_over_and_says_so(without_wheel: Rehearsed) -> None:
    assert without_wheel.providers == ["CPUExecutionProvider", "CPUExecutionProvider"]
    assert without_wheel.facts["status"] == "complete"
    assert any(f"FAILED ON {ENGINE}" in note for note in without_wheel.facts["notes"])


def test_both_engines_predict_the_same(with_wheel: Rehearsed, without_wheel: Rehearsed) -> None:
    np.testing.assert_allclose(with_wheel.values, without_wheel.values, atol=0.02)
    assert without_wheel.values.std(axis=0).mean() > 0.01


def test_the_program_chooses_an_engine_and_ships_its_wheel(
    tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = project.create(tmp_path_factory.mktemp("project"), tiny_backbone, cpu_engine="auto")
    result = project.here(root, "submission")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "CPU engines" in result.stdout
    build = root / "build" / "quest"
    exported = json.loads((build / "export" / "tiny" / "export.json").read_text())
    chosen = [trial for trial in exported["cpu_engines"] if trial["verdict"] == "chosen"]
    assert len(chosen) == 1 and len(exported["cpu_engines"]) == 4
    bundle = json.loads((build / "dataset" / "bundle.json").read_text())
    (model,) = bundle["models"]
    assert model["cpu_engine"] == exported["cpu_engine"]
    assert any(ENGINE in path for path in bundle["wheels"]) == model["cpu_engine"].startswith(ENGINE)
    assert "tokens_per_second" not in json.dumps(bundle)
    facts = json.loads((build / "simulation" / "verdict.json").read_text())["kernel"]
    expected = "OpenVINO" if model["cpu_engine"].startswith(ENGINE) else "CPUExecutionProvider"
    assert {run["provider"].split()[0] for run in facts["runs"]} == {expected}
