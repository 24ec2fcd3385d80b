"""The calibration kernel, made and run as on Kaggle, and its profile imported."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import tiny_bundle

from foldship import naming
from foldship.projection import Target, keep, profile
from foldship.shipping import calibration, metadata, side_kernel
from foldship.shipping.settings import KernelConfig
from foldship_kernel.errors import FoldshipError

COST = {"layers": 2, "width": 32, "intermediate": 64, "tokens_per_row": 40.0, "longest": 64}
CONFIG = KernelConfig(
    title="Tiny Kernel", dataset_title="Tiny Bundle", competition="quest-labels", owner="me"
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bundle.build(tmp_path_factory.mktemp("bundle")).dataset


def change(dataset: Path, target: Path, **model: Any) -> Path:
    """A copy of the dataset at its mount point whose first model is said to be so."""
    shutil.copytree(dataset, target)
    contents = json.loads((target / "bundle.json").read_text())
    contents["models"][0] |= model
    (target / "bundle.json").write_text(json.dumps(contents))
    return target


@pytest.fixture
def kernel(dataset: Path, tmp_path: Path) -> Path:
    calibration.write(dataset, CONFIG, tiny_bundle.TEMPLATE, tmp_path / "calibration")
    return tmp_path / "calibration"


def test_the_kernel_measures_its_machine_and_the_profile_is_used(
    dataset: Path, kernel: Path, tmp_path: Path
) -> None:
    change(dataset, tmp_path / "input" / "datasets" / "me" / "tiny-bundle", cost=COST)
    working = tmp_path / "working"
    result = tiny_bundle.run_kernel(kernel, tmp_path / "input", working, FOLDSHIP_CALIBRATE_S="0.05")
    assert result.returncode == 0, result.stdout + result.stderr
    assert [path.name for path in working.iterdir()] == ["profile.yaml"]

    own = tmp_path / "profiles"
    path = keep(working / "profile.yaml", "cpu", own)
    assert path == own / "cpu.yaml"
    found = Target.named("cpu", own).profile
    assert found is not None and found.measured is not None
    assert found.measured.provider == "CPUExecutionProvider"
    assert set(found.measured.flops_per_s) == {32, 64}
    assert found.devices == 1 and found.memory_gib.value > 0.1
    slowest, quickest = sorted(found.measured.flops_per_s.values())
    assert slowest <= found.flops_per_s.value <= quickest
    assert found.load_bytes_per_s.value > 0 and found.tokens_per_s.value > 0
    with pytest.raises(FoldshipError, match="no GPU could be used"):
        keep(working / "profile.yaml", "t4x2", own)


def test_a_bundle_that_does_not_tell_its_cost_is_refused(dataset: Path, kernel: Path, tmp_path: Path) -> None:
    change(dataset, tmp_path / "input" / "tiny-bundle", cost=None)
    result = tiny_bundle.run_kernel(kernel, tmp_path / "input", tmp_path / "working")
    assert result.returncode == 1
    assert "does not say what its folds cost" in result.stderr and "make bundle" in result.stderr
    assert not (tmp_path / "working" / "profile.yaml").exists()


def test_it_is_pushed_like_the_kernel_itself_and_asks_for_the_same_machine(
    dataset: Path, kernel: Path
) -> None:
    written = json.loads((kernel / metadata.KERNEL).read_text())
    assert written["id"] == "me/tiny-kernel-calibration"
    assert written["dataset_sources"] == ["me/tiny-bundle"]
    assert (written["enable_internet"], written["enable_gpu"]) == (False, False)
    assert {path.name for path in kernel.iterdir()} == {"kernel-metadata.json", "main.py"}


def test_a_long_title_is_cut_to_what_kaggle_takes() -> None:
    long = side_kernel.title("x" * 50, calibration.TITLE)
    assert len(long) == 50
    naming.slug(long)


def test_without_a_bundle_the_command_that_makes_it_is_named(tmp_path: Path) -> None:
    with pytest.raises(FoldshipError, match="no bundle to measure with") as error:
        calibration.write(tmp_path, CONFIG, tiny_bundle.TEMPLATE, tmp_path / "calibration")
    assert "make bundle" in error.value.fix


@pytest.mark.parametrize("name", ["local", "T4", "../up", ""])
def test_a_name_that_cannot_be_one_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(FoldshipError, match="cannot be named"):
        keep(tmp_path / "profile.yaml", name, tmp_path)


def test_only_what_was_measured_is_kept(tmp_path: Path) -> None:
    estimated = profile.find("cpu", tmp_path)
    (tmp_path / "profile.yaml").write_text(json.dumps(estimated.model_dump(mode="json")))
    with pytest.raises(FoldshipError, match="was not measured"):
        keep(tmp_path / "profile.yaml", "cpu", tmp_path / "own")
    assert not (tmp_path / "own").exists()
