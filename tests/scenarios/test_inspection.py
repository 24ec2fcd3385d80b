"""The inspection kernel, made and run as on Kaggle, and what it says imported."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from importlib import metadata as packages
from pathlib import Path

import project
import pytest
import tiny_bundle

from foldship.images import compatibility, printout, profile
from foldship.rehearsal import image as rehearsal_image
from foldship.shipping import image_kernel, metadata
from foldship.shipping.settings import KernelConfig

SCRIPT = tiny_bundle.ROOT / "kernels" / "inspection.py"
CONFIG = KernelConfig(title="Tiny Kernel", dataset_title="Tiny Bundle", competition="some", owner="me")


def run(script: Path, working: Path, *program: Path | str, **variables: str) -> str:
    """What the script prints; by default, of this Python."""
    working.mkdir(exist_ok=True)
    environment = {**os.environ, "FOLDSHIP_WORKING": str(working), **variables}
    return subprocess.run(
        [*(program or [sys.executable]), script],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
        timeout=120,
    ).stdout


def tool(folder: Path) -> str:
    """A PATH on which `nvidia-smi` tells of two GPUs."""
    folder.mkdir()
    (folder / "nvidia-smi").write_text("#!/bin/sh\necho 'Tesla T4, 15360'\necho 'Tesla T4, 15360'\n")
    (folder / "nvidia-smi").chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def torch(folder: Path, cuda: str | None) -> str:
    """A PYTHONPATH with a PyTorch that must not be imported."""
    (folder / "torch").mkdir(parents=True)
    (folder / "torch" / "__init__.py").write_text("raise RuntimeError('this takes long')")
    (folder / "torch" / "version.py").write_text(f"cuda = {cuda!r}\n")
    return str(folder)


def test_the_kernel_says_what_is_here_and_that_is_kept(tmp_path: Path) -> None:
    image_kernel.write(SCRIPT, CONFIG, tmp_path / "inspection")
    assert {path.name for path in (tmp_path / "inspection").iterdir()} == {"kernel-metadata.json", "main.py"}
    said = run(tmp_path / "inspection" / "main.py", tmp_path / "working")
    assert [path.name for path in (tmp_path / "working").iterdir()] == ["image.json"]

    (tmp_path / "log").write_text(said)
    printout.keep(tmp_path / "log", "logged", tmp_path / "own")
    printout.keep(tmp_path / "working" / "image.json", "written", tmp_path / "own")
    found = profile.find("logged", tmp_path / "own")
    assert found == profile.find("written", tmp_path / "own")
    assert found.pythons == (f"{sys.version_info.major}.{sys.version_info.minor}",)
    assert found.machine == platform.machine()
    assert found.packages["numpy"] == packages.version("numpy")
    assert found.packages["typing-extensions"] == packages.version("typing_extensions")
    assert found.limits.ram_gib and found.limits.working_gib
    wheel = f"some-1.0-cp3{sys.version_info.minor}-cp3{sys.version_info.minor}-manylinux_2_17_x86_64.whl"
    assert compatibility.refusal(wheel, found, found.pythons[0]) is None


def test_it_runs_on_kaggles_version_of_python_too(tmp_path: Path) -> None:
    interpreter = rehearsal_image.best_interpreter()
    if interpreter.version != rehearsal_image.WANTED:
        pytest.skip("no Python 3.12 on this machine")
    run(SCRIPT, tmp_path / "working", interpreter.program)
    assert printout.read(tmp_path / "working" / "image.json").pythons == ("3.12",)


def test_gpus_and_cuda_are_told_without_importing_torch(tmp_path: Path) -> None:
    paths = {"PATH": tool(tmp_path / "bin"), "PYTHONPATH": torch(tmp_path / "site", "13.0")}
    run(SCRIPT, tmp_path / "working", **paths)
    found = printout.read(tmp_path / "working" / "image.json")
    assert found.cuda == 13
    assert [(device.name, device.count, device.memory_gib) for device in found.accelerators] == [
        ("Tesla T4", 2, 15.0)
    ]
    assert "2 x Tesla T4" in found.description


@pytest.mark.parametrize(
    ("package", "cuda"), [("nvidia_cuda_runtime_cu12-12.8.90", 12), ("nvidia_cuda_runtime-13.0.48", 13)]
)
def test_without_torch_the_libraries_tell_of_cuda(tmp_path: Path, package: str, cuda: int) -> None:
    site = tmp_path / "site"
    name, version = package.split("-")
    (site / f"{package}.dist-info").mkdir(parents=True)
    (site / f"{package}.dist-info" / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
    (site / "halved-1.0.dist-info").mkdir()
    (site / "halved-1.0.dist-info" / "METADATA").touch()
    paths = os.pathsep.join([torch(tmp_path / "other", None), str(site)])
    run(
        SCRIPT, tmp_path / "working", sys.executable, "-S", PYTHONPATH=paths
    )  # without what is installed here
    found = printout.read(tmp_path / "working" / "image.json")
    assert found.cuda == cuda
    assert "halved" not in found.packages


@pytest.mark.parametrize("gpu", [True, False])
def test_it_asks_for_the_kernels_machine_and_for_no_data(tmp_path: Path, gpu: bool) -> None:
    config = CONFIG.model_copy(update={"accelerator": "gpu" if gpu else "cpu", "title": "x" * 50})
    image_kernel.write(SCRIPT, config, tmp_path / "inspection")
    written = json.loads((tmp_path / "inspection" / metadata.KERNEL).read_text())
    assert written["title"] == "x" * 44 + " Image" and written["id"].startswith("me/xxx")
    assert (written["enable_gpu"], written["enable_internet"]) == (gpu, False)
    assert written["dataset_sources"] == written["competition_sources"] == []
    assert ("machine_shape" in written) == gpu


def test_the_verb_makes_the_kernel_and_keeps_what_it_says(tmp_path: Path) -> None:
    root = project.create(tmp_path, tmp_path / "no model is needed")
    (root / "kernels" / "inspection.py").write_bytes(SCRIPT.read_bytes())
    made = project.here(root, "image")
    assert made.returncode == 0, made.stderr
    folder = root / "build" / "quest" / "inspection"
    assert str(folder) in made.stdout and "make image IMPORT=image.json" in made.stdout
    run(folder / "main.py", tmp_path / "working")
    printed = tmp_path / "working" / "image.json"
    kept = project.here(root, "image", "--import", str(printed), "--name", "mine")
    assert kept.returncode == 0, kept.stderr
    assert profile.find("mine", root / "kernels" / "images").source == "printed by the inspection kernel"
    wrong = project.here(root, "image", "--import", str(folder / "main.py"))
    assert wrong.returncode == 1 and "holds no print-out" in wrong.stderr
