"""What a kernel needs and an image does not have: the engines of its models, and what the kernel imports.

OpenVINO travels only where a model runs on it. It needs NumPy alone: the telemetry package that it names as
required is left at home, and it runs without telemetry. So does what tokenizers asks for to reach the hub.
"""

from __future__ import annotations

from collections.abc import Container

from foldship.images.compatibility import ENGINE, GPU_ENGINE
from foldship.images.profile import Image
from foldship_kernel.errors import FoldshipError

# The last release whose GPU build is made for CUDA 12; graphs are checked with it ashore.
RELEASE = "1.26.0"
GPU_RELEASES = {12: f"=={RELEASE}", 13: ">=1.27"}
OPENVINO = "openvino"
OPENVINO_RELEASE = "2026.4.1"
BASICS = ("numpy", "pandas", "scipy", "tokenizers")
LEFT_OUT = ("openvino-telemetry", "huggingface-hub")


def on_gpu(image: Image, accelerator: str) -> bool:
    """Whether a kernel for this accelerator computes on a GPU in this image."""
    return accelerator == "gpu" and image.cuda is not None


def wanted(image: Image, accelerator: str, libraries: Container[str]) -> list[str]:
    """Requirements of a kernel that an image does not meet itself.

    Raises:
        FoldshipError: the image has an ONNX Runtime that cannot use its GPU, or a CUDA that no build is for.
    """
    needs = [name for name in BASICS if name not in image.packages]
    if on_gpu(image, accelerator):
        needs += _gpu_engine(image)
    elif not {ENGINE, GPU_ENGINE} & image.packages.keys():
        needs.append(f"{ENGINE}=={RELEASE}")
    if accelerator == "cpu" and OPENVINO in libraries and OPENVINO not in image.packages:
        needs.append(f"{OPENVINO}=={OPENVINO_RELEASE}")
    return needs


def _gpu_engine(image: Image) -> list[str]:
    if GPU_ENGINE in image.packages:
        return []
    if ENGINE in image.packages:
        raise FoldshipError(
            f"the image has {ENGINE} {image.packages[ENGINE]}, which cannot use its GPU",
            expected=f"an image with {GPU_ENGINE}, or with neither: a wheel never replaces what is there",
            fix="choose another image, or `accelerator: cpu` in kernel.yaml",
        )
    if image.cuda not in GPU_RELEASES:
        raise FoldshipError(
            f"no build of {GPU_ENGINE} is known for CUDA {image.cuda}",
            expected=f"CUDA {' or '.join(map(str, GPU_RELEASES))}",
            fix="choose another image, or correct `cuda` in its profile",
        )
    return [GPU_ENGINE + GPU_RELEASES[image.cuda]]
