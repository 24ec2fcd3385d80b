"""Bundles that are too large for one dataset: attached in parts, rehearsed in parts, and with one missing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import rehearsed
import tiny_bundle
from declared import quest
from tiny_bundle import ONE_WIDE_GIB, WIDE, TinyBundle, check_submission, run_kernel, write_input

from foldship.rehearsal import room, simulate
from foldship.shipping import calibration
from foldship.shipping.settings import KernelConfig
from foldship_kernel import parts

COMPETITION = "competitions/google-quest-challenge"
FOLDS = {"first": ["first fold 0", "first fold 1"], "second": ["second fold 0"]}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> TinyBundle:
    built = tiny_bundle.build(
        tmp_path_factory.mktemp("bundle"),
        models={"first": 2, "second": 1},
        width=WIDE,
        dataset_limit_gib=ONE_WIDE_GIB,
    )
    assert [folder.name for folder in built.datasets] == ["dataset", "dataset-2"]
    return built


@pytest.fixture(scope="module")
def with_wheels(tmp_path_factory: pytest.TempPathFactory) -> TinyBundle:
    """The same with what the image lacks, and so much more room in a dataset."""
    wheels = rehearsed.wheels()
    built = tiny_bundle.build(
        tmp_path_factory.mktemp("bundle"),
        models={"first": 2, "second": 1},
        width=WIDE,
        wheels=wheels,
        dataset_limit_gib=ONE_WIDE_GIB + sum(wheel.stat().st_size for wheel in wheels) / 2**30,
    )
    assert [folder.name for folder in built.datasets] == ["dataset", "dataset-2"]
    return built


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    write_input(tmp_path / "input" / COMPETITION)
    return tmp_path / "input"


@pytest.fixture
def working(tmp_path: Path) -> Path:
    return tmp_path / "working"


def attach(dataset: Path, place: Path) -> Path:
    """A part at its mount point, as uploaded: without the upload's own metadata."""
    shutil.copytree(dataset, place)
    (place / "dataset-metadata.json").unlink()
    return place


def journal(working: Path) -> dict[str, Any]:
    return json.loads((working / "foldship.json").read_text())


def models(dataset: Path) -> list[str]:
    return sorted(path.name for path in (dataset / "models").iterdir())


@pytest.mark.parametrize(
    "places",
    [
        ("datasets/someone/tiny-bundle", "datasets/someone/tiny-bundle-2"),
        ("tiny-bundle", "tiny-bundle-2"),
        ("datasets/someone/tiny-bundle/nested", "a/name/of/its/own"),
    ],
)
def test_parts_are_found_wherever_they_are_mounted(
    bundle: TinyBundle, inputs: Path, working: Path, places: tuple[str, str]
) -> None:
    for dataset, place in zip(bundle.datasets, places, strict=True):
        attach(dataset, inputs / place)
    result = run_kernel(bundle.kernel, inputs, working)
    assert result.returncode == 0, result.stdout + result.stderr
    check_submission(working, inputs / COMPETITION)
    assert journal(working)["status"] == "complete"
    assert sorted(journal(working)["folds_used"]) == sorted(
        name for names in FOLDS.values() for name in names
    )


def test_a_missing_part_costs_its_models_only_and_is_named(
    bundle: TinyBundle, inputs: Path, working: Path
) -> None:
    attach(bundle.dataset, inputs / "tiny-bundle")
    result = run_kernel(bundle.kernel, inputs, working)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "PART 2 OF THE BUNDLE IS MISSING" in result.stdout
    assert "attach dataset someone/tiny-bundle-2" in result.stdout
    assert "DAMAGED" not in result.stdout
    check_submission(working, inputs / COMPETITION)
    facts = journal(working)
    (present,), (absent,) = (models(dataset) for dataset in bundle.datasets)
    assert facts["status"] == "partial"
    assert sorted(facts["folds_used"]) == FOLDS[present]
    assert sorted(facts["folds_left_out"]) == FOLDS[absent]
    assert all("someone/tiny-bundle-2" in why for why in facts["folds_left_out"].values())


def test_a_part_of_another_build_is_passed_over_and_named(
    bundle: TinyBundle, inputs: Path, working: Path
) -> None:
    attach(bundle.dataset, inputs / "tiny-bundle")
    stranger = attach(bundle.datasets[1], inputs / "tiny-bundle-2")
    label = json.loads((stranger / parts.FILE_NAME).read_text())
    (stranger / parts.FILE_NAME).write_text(json.dumps({**label, "bundle": "0" * 64}))
    result = run_kernel(bundle.kernel, inputs, working)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"parts of another build in {stranger}" in result.stdout
    assert journal(working)["status"] == "partial"


def test_a_flipped_bit_in_a_further_part_costs_its_folds_only(
    bundle: TinyBundle, inputs: Path, working: Path
) -> None:
    attach(bundle.dataset, inputs / "tiny-bundle")
    further = attach(bundle.datasets[1], inputs / "tiny-bundle-2")
    weights = next((further / "models").rglob("head-fold0.bin"))
    content = bytearray(weights.read_bytes())
    content[100] ^= 1
    weights.write_bytes(content)
    result = run_kernel(bundle.kernel, inputs, working)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "DAMAGED" in result.stdout and "head-fold0.bin: its SHA-256 differs" in result.stdout
    name = f"{weights.parent.name} fold 0"
    assert list(journal(working)["folds_left_out"]) == [name]


@pytest.mark.sandbox
@pytest.mark.parametrize("layout", room.LAYOUTS)
def test_the_rehearsal_mounts_all_parts(with_wheels: TinyBundle, tmp_path: Path, layout: str) -> None:
    verdict = simulate(
        with_wheels.kernel,
        with_wheels.dataset,
        write_input(tmp_path / "input", 20),
        tmp_path / "simulation",
        cache=rehearsed.CACHE,
        competition="google-quest-challenge",
        task=quest,
        limit_s=120.0,
        memory_gib=4.0,
        layout=layout,
        echo=lambda line: None,
    )
    seen = json.loads((tmp_path / "simulation" / "verdict.json").read_text())
    assert verdict.passed, seen["checks"]
    assert len(seen["kernel"]["folds_used"]) == 3
    assert "all as in the manifest" in seen["checks"]["dataset whole"]["seen"]


@pytest.mark.sandbox
def test_a_rehearsal_without_a_part_submits_and_fails(with_wheels: TinyBundle, tmp_path: Path) -> None:
    alone = TinyBundle(tmp_path / "alone" / "dataset", with_wheels.kernel)
    shutil.copytree(with_wheels.dataset, alone.dataset)
    verdict, seen = rehearsed.rehearse(alone, tmp_path, 20)
    assert not verdict.passed and verdict.submission is not None
    assert {name for name, check in seen["checks"].items() if check["passed"] is False} == {
        "dataset whole",
        "models used",
    }
    assert "part 2" in seen["checks"]["dataset whole"]["seen"]


def calibration_kernel(bundle: TinyBundle, folder: Path) -> Path:
    config = KernelConfig(
        title="Tiny Kernel", dataset_title="Tiny Bundle", competition="quest-labels", owner="someone"
    )
    calibration.write(bundle.dataset, config, tiny_bundle.TEMPLATE, folder)
    return folder


def test_both_kernels_attach_all_parts(bundle: TinyBundle, tmp_path: Path) -> None:
    wanted = ["someone/tiny-bundle", "someone/tiny-bundle-2"]
    for kernel in (bundle.kernel, calibration_kernel(bundle, tmp_path / "calibration")):
        assert json.loads((kernel / "kernel-metadata.json").read_text())["dataset_sources"] == wanted
    for dataset, name in zip(bundle.datasets, wanted, strict=True):
        assert json.loads((dataset / "dataset-metadata.json").read_text())["id"] == name


@pytest.mark.parametrize("attached", [2, 1])
def test_a_machine_is_measured_with_what_is_attached(
    bundle: TinyBundle, inputs: Path, working: Path, tmp_path: Path, attached: int
) -> None:
    for dataset in bundle.datasets[:attached]:
        attach(dataset, inputs / dataset.name)
    kernel = calibration_kernel(bundle, tmp_path / "calibration")
    result = run_kernel(kernel, inputs, working, FOLDSHIP_CALIBRATE_S="0.02")
    assert result.returncode == 0, result.stdout + result.stderr
    assert (working / "profile.yaml").is_file()
    assert ("PART 2 OF THE BUNDLE IS MISSING" in result.stdout) is (attached == 1)
