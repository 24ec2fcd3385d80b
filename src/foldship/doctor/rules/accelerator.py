"""The machine asked for is there, and the bundle brings what computes on it."""

from __future__ import annotations

from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

from foldship.doctor.evidence import KERNEL, Evidence
from foldship.doctor.finding import Finding, Tally
from foldship.images.compatibility import GPU_ENGINE, cuda_build
from foldship_kernel.errors import listed

NAME = "accelerator"
GPU, CPU = "gpu", "cpu"
REBUILD = "run `make bundle` again"
# "Accelerators available as of Sep 2026": https://github.com/Kaggle/kaggle-cli/blob/main/docs/kernels.md.
# Some are for certain competitions only.
MACHINES = {
    "NvidiaTeslaT4": "GPU T4",
    "NvidiaTeslaT4Highmem": "GPU T4 x2",
    "NvidiaTeslaA100": "GPU A100",
    "NvidiaL4": "GPU L4",
    "NvidiaL4X1": "one GPU L4",
    "NvidiaH100": "GPU H100",
    "NvidiaRtxPro6000": "GPU RTX PRO 6000",
}
RETIRED = {"NvidiaTeslaP100": "it is retired, and the image's CUDA libraries no longer support it"}
CHOOSE = f"set machine_shape in kernel.yaml to one of {', '.join(MACHINES)}, and {REBUILD}"


def check(push: Evidence) -> Finding:
    tally = Tally(NAME)
    wanted = push.bundle.accelerator == GPU
    if push.metadata.get("enable_gpu") is not wanted:
        seen = (
            f"enable_gpu is {push.metadata.get('enable_gpu')!r}, the bundle is for {push.bundle.accelerator}"
        )
        tally.fail(seen, f"set accelerator in kernel.yaml, and {REBUILD}")
    if push.metadata.get("enable_tpu"):
        tally.fail("enable_tpu is true: nothing aboard computes on one", f"take it out of {KERNEL}")
    if wanted:
        _machine(tally, str(push.metadata.get("machine_shape") or ""))
        _engine(tally, push)
    else:
        tally.well("no accelerator asked for, none needed")
    return tally.finding()


def _machine(tally: Tally, shape: str) -> None:
    if shape in RETIRED:
        tally.fail(f"machine_shape {shape}: {RETIRED[shape]}", CHOOSE)
    elif shape not in MACHINES:
        tally.warn(f"machine_shape {shape!r} is none of the machines with a GPU that are known", CHOOSE)
    else:
        tally.well(f"{shape} ({MACHINES[shape]})")


def _engine(tally: Tally, push: Evidence) -> None:
    """On a CUDA of another major version the engine loads, and silently computes on the CPU."""
    built = {wheel: cuda_build(version) for wheel, version in _engines(push).items()}
    images = {name: image for name, image in push.images.items() if image.cuda is not None}
    if not images:
        tally.fail("none of the bundle's images has CUDA", "add one to images in kernel.yaml: kaggle-gpu")
    for name, image in images.items():
        if GPU_ENGINE in image.packages or image.cuda in built.values():
            tally.well(f"{GPU_ENGINE} for CUDA {image.cuda} of {name}")
            continue
        found = listed([f"{wheel} is for CUDA {cuda}" for wheel, cuda in built.items()]) or "none"
        tally.fail(
            f"no wheel of {GPU_ENGINE} is for CUDA {image.cuda} of {name}: {found}",
            f"`make image` prints what Kaggle has now; then {REBUILD}",
        )


def _engines(push: Evidence) -> dict[str, Version]:
    found = {}
    for path in push.bundle.wheels:
        name = Path(path).name
        try:
            distribution, version, _, _ = parse_wheel_filename(name)
        except InvalidWheelFilename:  # the rule 'wheels' tells
            continue
        if distribution == GPU_ENGINE:
            found[name] = version
    return found
