from __future__ import annotations

from pathlib import Path

import package_index
import pytest
from packaging.version import Version

from foldship.images import compatibility, profile
from foldship.images.profile import Image

LINUX = "cp312-cp312-manylinux_2_28_x86_64"


@pytest.fixture
def gpu(tmp_path: Path) -> Image:
    return profile.find("kaggle-gpu", tmp_path)


@pytest.mark.parametrize(
    "wheel",
    [
        "some-1.0-py3-none-any.whl",
        "some-1.0-py2.py3-none-any.whl",
        f"some-1.0-{LINUX}.whl",
        "some-1.0-1-cp312-cp312-manylinux_2_5_x86_64.manylinux1_x86_64.whl",
        "some-1.0-cp39-abi3-manylinux2014_x86_64.whl",
        "some-1.0-cp312-cp312-manylinux_2_35_x86_64.whl",
        f"onnxruntime_gpu-1.26.0-{LINUX}.whl",
    ],
)
def test_wheels_that_fit(gpu: Image, wheel: str) -> None:
    assert compatibility.refusal(wheel, gpu, "3.12") is None


@pytest.mark.parametrize(
    ("wheel", "reason"),
    [
        ("some-1.0-cp311-cp311-manylinux_2_28_x86_64.whl", "built for CPython 3.11, the image has 3.12"),
        ("some-1.0-cp313-abi3-manylinux_2_28_x86_64.whl", "built for CPython 3.13, the image has 3.12"),
        (
            "some-1.0-cp313-cp313t-manylinux_2_28_x86_64.whl",
            "built for CPython 3.13 with ABI cp313t, the image has 3.12",
        ),
        ("some-1.0-py2-none-any.whl", "built for Python 'py2', the image has 3.12"),
        ("some-1.0-cp312-cp312-manylinux_2_38_x86_64.whl", "needs glibc 2.38, the image has 2.35"),
        (
            "some-1.0-cp312-cp312-manylinux_2_28_aarch64.whl",
            "built for processors of the kind aarch64, the image's are x86_64",
        ),
        (
            "some-1.0-cp312-cp312-musllinux_1_2_x86_64.whl",
            "built for musl (musllinux_1_2_x86_64), the image has glibc 2.35",
        ),
        ("some-1.0-cp312-cp312-win_amd64.whl", "built for win_amd64, the image is Linux on x86_64"),
        (
            f"onnxruntime_gpu-1.27.0-{LINUX}.whl",
            "onnxruntime-gpu 1.27.0 is built for CUDA 13, the image has CUDA 12: "
            "it loads and silently runs on the CPU",
        ),
        (f"numpy-2.4.0-{LINUX}.whl", "would shadow numpy 2.0.2 that the image has"),
        (f"Typing_Extensions-9-{LINUX}.whl", "would shadow typing-extensions 4.15.0 that the image has"),
        ("some.zip", "no name of a wheel: "),
    ],
)
def test_wheels_that_do_not_fit_are_refused_in_plain_words(gpu: Image, wheel: str, reason: str) -> None:
    found = compatibility.refusal(wheel, gpu, "3.12")
    assert found is not None and found.startswith(reason)


def test_a_gpu_build_is_refused_where_there_is_no_cuda_or_a_plain_build(tmp_path: Path, gpu: Image) -> None:
    wheel = f"onnxruntime_gpu-1.26.0-{LINUX}.whl"
    local = profile.find("local", tmp_path)
    assert compatibility.refusal(wheel, local, "3.12") == "built for CUDA, the image has none"
    other = gpu.model_copy(update={"packages": {"onnxruntime": "1.20.0"}})
    assert compatibility.refusal(wheel, other, "3.12") == "would shadow onnxruntime 1.20.0 that the image has"


@pytest.mark.parametrize(
    ("release", "cuda"), [("1.18.1", 11), ("1.19.0", 12), ("1.26.0", 12), ("1.27.0", 13), ("1.31.1", 13)]
)
def test_what_cuda_a_release_is_built_for(release: str, cuda: int) -> None:
    assert compatibility.cuda_build(Version(release)) == cuda


def test_an_older_c_library_admits_less(gpu: Image) -> None:
    old = gpu.model_copy(update={"glibc": "2.27"})
    wheel = "some-1.0-cp312-cp312-manylinux_2_28_x86_64.whl"
    assert compatibility.refusal(wheel, old, "3.12") == "needs glibc 2.28, the image has 2.27"
    both = wheel.replace("manylinux_2_28", "manylinux_2_27_x86_64.manylinux_2_28")
    assert compatibility.refusal(both, old, "3.12") is None


def test_what_a_wheel_says_of_itself_counts(tmp_path: Path, gpu: Image) -> None:
    def refused(file: str, **says: object) -> str | None:
        return compatibility.refusal(package_index.wheel(tmp_path, file, **says), gpu, "3.12")

    file = "some-1.0-py3-none-any.whl"
    assert refused(file, requires=["numpy>=2", "absent"], requires_python=">=3.9") is None
    assert refused(file, requires_python=">=3.13") == "needs Python >=3.13, the image has 3.12"
    assert refused(file, requires=["NumPy>=2.1"]) == "needs NumPy>=2.1, the image has 2.0.2"
    elsewhere = ['numpy>=2.1; python_version < "3.12"', 'numpy>=2.1; extra == "new"']
    assert refused(file, requires=elsewhere) is None


def test_half_a_wheel_is_refused(tmp_path: Path, gpu: Image) -> None:
    path = tmp_path / "some-1.0-py3-none-any.whl"
    path.write_bytes(b"half")
    assert "no whole wheel" in str(compatibility.refusal(path, gpu, "3.12"))


def test_the_wheel_made_most_closely_for_the_image_is_the_best(gpu: Image) -> None:
    plain, stable = "some-1.0-py3-none-any.whl", "some-1.0-cp38-abi3-manylinux2014_x86_64.whl"
    exact = f"some-1.0-{LINUX}.whl"
    other = "some-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"
    assert compatibility.best([plain, other, exact, stable], gpu, "3.12") == exact
    assert compatibility.best([plain, stable], gpu, "3.12") == stable
    assert compatibility.best([other], gpu, "3.12") is None
