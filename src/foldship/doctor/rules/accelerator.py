"""The machine asked for is there, and the bundle brings what computes on it."""

from __future__ import annotations

from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version

from foldship.doctor.evidence import KERNEL, Evidence
from foldship.doctor.finding import Finding, Tally
from foldship.images import machines
from foldship.images.compatibility import GPU_ENGINE, cuda_build
from foldship_kernel.errors import listed

NAME = "accelerator"
GPU, CPU = "gpu", "cpu"
REBUILD = "run `make bundle` again"
CHOOSE = (
    f"set machine_shape in kernel.yaml to {machines.DEFAULT}, or to what the competition offers of "
    f"{', '.join(name for name in machines.MACHINES if name != machines.DEFAULT)}, and {REBUILD}"
)


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
        _machine(tally, str(push.metadata.get("machine_shape") or machines.DEFAULT))
        _engine(tally, push)
    else:
        tally.well("no accelerator asked for, none needed")
    return tally.finding()


def _machine(tally: Tally, shape: str) -> None:
    if shape in machines.UNAVAILABLE:
        tally.fail(f"machine_shape {shape} cannot be had: {machines.UNAVAILABLE[shape]}", CHOOSE)
    elif shape not in machines.MACHINES:
        tally.warn(f"machine_shape {shape!r} is none of the machines with a GPU that are known", CHOOSE)
    else:
        tally.well(f"{shape} ({machines.MACHINES[shape].description})")


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
