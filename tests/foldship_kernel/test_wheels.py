from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from foldship_kernel import wheels
from foldship_kernel.errors import BundleError

PYTHON = f"cp{sys.version_info.major}{sys.version_info.minor}"


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(wheels, "_glibc", lambda: (2, 31))
    monkeypatch.setattr(sys, "path", list(sys.path))


def make(folder: Path, name: str, **modules: str) -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w") as archive:
        for module, source in modules.items():
            archive.writestr(f"{module}/__init__.py", source)
    return path


@pytest.mark.parametrize(
    "tags",
    [
        "py3-none-any",
        "py2.py3-none-any",
        f"{PYTHON}-{PYTHON}-manylinux_2_27_x86_64.manylinux_2_28_x86_64",
        f"{PYTHON}-{PYTHON}-manylinux2014_x86_64",
        "cp38-abi3-manylinux_2_17_x86_64",
        f"1-{PYTHON}-{PYTHON}-manylinux_2_31_x86_64",
    ],
)
def test_wheels_that_fit(tags: str) -> None:
    assert wheels.fits(f"name-1.0-{tags}.whl")


@pytest.mark.parametrize(
    "tags",
    [
        "cp310-cp310-manylinux_2_28_x86_64",
        f"{PYTHON}-{PYTHON}t-manylinux_2_28_x86_64",
        f"{PYTHON}-{PYTHON}-manylinux_2_34_x86_64",
        f"{PYTHON}-{PYTHON}-manylinux_2_28_aarch64",
        f"{PYTHON}-{PYTHON}-musllinux_1_2_x86_64",
        f"{PYTHON}-{PYTHON}-win_amd64",
        "cp399-abi3-manylinux_2_17_x86_64",
        "py2-none-any",
        "any",
    ],
)
def test_wheels_that_do_not_fit(tags: str) -> None:
    assert not wheels.fits(f"name-1.0-{tags}.whl")


def test_the_gpu_build_is_taken_only_where_there_is_a_gpu() -> None:
    plain, gpu = Path("engine-1.0-py3-none-any.whl"), Path("engine_gpu-1.0-py3-none-any.whl")
    assert wheels.choose([gpu, plain], gpu=True) == [gpu]
    assert wheels.choose([gpu, plain], gpu=False) == [plain]
    assert wheels.choose([plain], gpu=True) == [plain]


def test_a_wheel_is_unpacked_and_goes_to_the_end_of_the_path(tmp_path: Path) -> None:
    made = [
        make(tmp_path, "travelling-1.0-py3-none-any.whl", travelling="import travelling_needs"),
        make(tmp_path, "travelling_needs-1.0-py3-none-any.whl", travelling_needs=""),
    ]
    origin = wheels.provide("travelling", made, tmp_path / "site", gpu=False)
    assert sys.path[-1] == str(tmp_path / "site")
    assert sys.modules["travelling"].__file__ == str(tmp_path / "site" / "travelling" / "__init__.py")
    assert all(wheel.name in origin for wheel in made)


def test_what_the_image_has_is_left_alone(tmp_path: Path) -> None:
    wheel = make(tmp_path, "numpy-9.9-py3-none-any.whl", numpy="raise RuntimeError")
    before = list(sys.path)
    assert "installed" in wheels.provide("numpy", [wheel], tmp_path / "site", gpu=False)
    assert sys.path == before
    assert not (tmp_path / "site").exists()


def test_no_wheel_that_fits_is_an_error_that_names_what_is_there(tmp_path: Path) -> None:
    wheel = make(tmp_path, "lacking-1.0-cp310-cp310-win_amd64.whl", lacking="")
    (tmp_path / "site").mkdir()
    with pytest.raises(BundleError) as error:
        wheels.provide("lacking", [wheel], tmp_path / "site", gpu=False)
    assert wheel.name in str(error.value)
    assert PYTHON in str(error.value)


def test_cuda_libraries_of_the_image_are_shown_to_the_unpacked_package(tmp_path: Path) -> None:
    image = tmp_path / "image"
    (image / "nvidia" / "cudnn").mkdir(parents=True)
    sys.path.append(str(image))
    wheel = make(tmp_path, "travelling2-1.0-py3-none-any.whl", travelling2="")
    wheels.provide("travelling2", [wheel], tmp_path / "site", gpu=True)
    assert (tmp_path / "site" / "nvidia" / "cudnn").is_dir()


def test_several_threads_unpack_every_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels.devices, "threads", lambda: 4)
    wheel = tmp_path / "many-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("many/", "")
        for number in range(200):
            archive.writestr(f"many/part{number % 7}/{number}.txt", f"{number} {number**2}\n" * 20_000)
    (tmp_path / "out").mkdir()
    wheels._unpack(wheel, tmp_path / "out")
    found = {path.stem: path.read_text() for path in (tmp_path / "out").rglob("*.txt")}
    assert found == {str(number): f"{number} {number**2}\n" * 20_000 for number in range(200)}
