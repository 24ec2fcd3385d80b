from __future__ import annotations

import sys
import zipfile
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
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
    monkeypatch.setattr(wheels, "find_spec", without_own_cuda)


def without_own_cuda(name: str) -> ModuleSpec | None:
    """What there is of a module but for CUDA's libraries, which PyTorch's GPU build brings along."""
    spec = find_spec(name)
    if name == "nvidia" and spec is not None:
        others = [
            place for place in spec.submodule_search_locations or () if not place.startswith(sys.prefix)
        ]
        spec = ModuleSpec(name, None)
        spec.submodule_search_locations = others
    return spec


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
    assert wheels.choose([gpu], gpu=False) == [gpu]  # it runs on processors, too


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


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The image's own packages, which come first."""
    monkeypatch.syspath_prepend(tmp_path / "image")
    return tmp_path / "image"


def install(image: Path, name: str, version: str, **modules: str) -> None:
    """Put a package into the image, as an installer would."""
    (image / f"{name}-{version}.dist-info").mkdir(parents=True)
    (image / f"{name}-{version}.dist-info" / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")
    for module, source in modules.items():
        (image / module).mkdir()
        (image / module / "__init__.py").write_text(source)


def test_a_package_of_the_image_is_not_unpacked_beside_it(tmp_path: Path, image: Path) -> None:
    install(image, "Needed_By.It", "1.0", needed_by_it="origin = 'image'")
    made = [
        make(tmp_path, "travelling3-1.0-py3-none-any.whl", travelling3="from needed_by_it import origin"),
        make(tmp_path, "needed_by_it-2.0-py3-none-any.whl", needed_by_it="origin = 'bundle'", extra=""),
    ]
    origin = wheels.provide("travelling3", made, tmp_path / "site", gpu=False)
    assert sys.modules["travelling3"].origin == "image"
    assert made[1].name not in origin
    assert sorted(path.name for path in (tmp_path / "site").iterdir()) == ["travelling3"]


def test_an_engine_of_the_image_is_kept_whichever_build_it_is(tmp_path: Path, image: Path) -> None:
    """A GPU build beside the plain one of the image would mix the files of both."""
    install(image, "own_engine", "1.0", own_engine="origin = 'image'")
    gpu = make(tmp_path, "own_engine_gpu-2.0-py3-none-any.whl", own_engine="origin = 'bundle'")
    assert "installed" in wheels.provide("own_engine", [gpu], tmp_path / "site", gpu=True)
    assert wheels.choose([gpu], gpu=True) == []
    install(image, "other_engine_gpu", "1.0")
    assert wheels.choose([make(tmp_path, "other_engine-2.0-py3-none-any.whl")], gpu=False) == []


def test_what_a_removed_engine_left_behind_does_not_keep_its_wheel_away(tmp_path: Path, image: Path) -> None:
    install(image, "travelling4", "1.0")
    made = make(tmp_path, "travelling4-2.0-py3-none-any.whl", travelling4="")
    assert made.name in wheels.provide("travelling4", [made], tmp_path / "site", gpu=False)


def test_a_damaged_wheel_is_named_with_the_remedy(tmp_path: Path) -> None:
    whole = make(tmp_path, "broken-1.0-py3-none-any.whl", broken="x = 1\n" * 1000)
    half = tmp_path / "half-1.0-py3-none-any.whl"
    half.write_bytes(whole.read_bytes()[:100])
    spoilt = tmp_path / "spoilt-1.0-py3-none-any.whl"
    content = bytearray(whole.read_bytes())
    content[content.index(b"x = 1") + 2] ^= 0xFF
    spoilt.write_bytes(content)
    for wheel in (half, spoilt):
        with pytest.raises(BundleError, match=f"{wheel.name} cannot be unpacked: it is damaged") as error:
            wheels.provide("broken", [wheel], tmp_path / "site", gpu=False)
        assert "upload all of it" in error.value.fix


def test_a_full_disk_is_named_with_the_wheel_and_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make(tmp_path, "large-1.0-py3-none-any.whl", large="")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "extractall", full)
    with pytest.raises(BundleError, match=r"large-1\.0-py3-none-any\.whl cannot be unpacked into") as error:
        wheels.provide("large", [wheel], tmp_path / "site", gpu=False)
    assert "No space left" in error.value.found and "TMPDIR" in error.value.fix


def test_another_host_can_be_asked_for() -> None:
    host = wheels.Host(
        python=(3, 12), glibc=(2, 35), machine="aarch64", has=lambda name: name == "some-thing"
    )
    assert wheels.fits("x-1-cp312-cp312-manylinux_2_35_aarch64.whl", host)
    assert wheels.fits("x-1-cp39-abi3-manylinux2014_aarch64.whl", host)
    assert not wheels.fits("x-1-cp312-cp312-manylinux_2_36_aarch64.whl", host)
    assert not wheels.fits("x-1-cp311-cp311-manylinux_2_35_aarch64.whl", host)
    assert not wheels.fits("x-1-cp312-cp312-manylinux_2_28_x86_64.whl", host)
    here, there = Path("some_thing-1-py3-none-any.whl"), Path("x-1-cp312-cp312-manylinux_2_28_aarch64.whl")
    assert wheels.choose([here, there], gpu=False, host=host) == [there]


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


def test_cuda_libraries_of_wheels_do_not_hide_the_images_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = tmp_path / "image"
    (image / "nvidia" / "cudnn").mkdir(parents=True)
    (image / "nvidia" / "cuother").mkdir(parents=True)
    monkeypatch.delitem(sys.modules, "nvidia", raising=False)
    sys.path.append(str(image))
    made = [make(tmp_path, "travelling5-1.0-py3-none-any.whl", travelling5="")]
    made.append(make(tmp_path, "nvidia_cuother-1.0-py3-none-any.whl", **{"nvidia/cuother": "own = True"}))
    wheels.provide("travelling5", made, tmp_path / "site", gpu=True)
    assert (tmp_path / "site" / "nvidia" / "cudnn").resolve() == image / "nvidia" / "cudnn"
    assert (tmp_path / "site" / "nvidia" / "cuother" / "__init__.py").read_text() == "own = True"


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
