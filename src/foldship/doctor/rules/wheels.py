"""Every wheel fits an image, and every image is served: what it lacks comes along."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from foldship.doctor.evidence import Evidence
from foldship.doctor.finding import Finding, Tally
from foldship.images import compatibility
from foldship.images.compatibility import ENGINE, GPU_ENGINE
from foldship.images.profile import Image
from foldship_kernel import engines

NAME = "wheels"
CPU = "cpu"
REMEDY = "set images in kernel.yaml to those that the kernel is to run in, and run `make bundle` again"


def check(push: Evidence) -> Finding:
    tally = Tally(NAME)
    asked_for = f"kaggle-{push.bundle.accelerator}"
    if asked_for not in push.images:
        tally.warn(f"the wheels were not chosen for {asked_for}, Kaggle's own image", REMEDY)
    places = [(name, image, python) for name, image in push.images.items() for python in image.pythons]
    fitting: dict[str, set[str]] = {f"{name}, Python {python}": set() for name, _, python in places}
    for path in push.bundle.wheels:
        wheel = push.datasets[0] / path
        reasons = []
        for name, image, python in places:
            reason = compatibility.refusal(wheel, image, python)
            if reason is None:
                fitting[f"{name}, Python {python}"].add(_package(wheel))
            else:
                reasons.append(f"{name}, Python {python}: {reason}")
        if len(reasons) == len(places):
            tally.fail(f"{wheel.name} fits no image ({'; '.join(reasons)})", REMEDY)
    for name, image, python in places:
        lacking = _lacking(push, image, fitting[f"{name}, Python {python}"])
        if lacking:
            tally.fail(f"{name}, Python {python} gets no {' and no '.join(lacking)}", REMEDY)
    tally.well(f"{len(push.bundle.wheels)} wheels serve {' and '.join(fitting)}")
    return tally.finding()


def _lacking(push: Evidence, image: Image, brought: Collection[str]) -> list[str]:
    """Engines that models need, and that neither the image nor a wheel brings."""
    there = {*image.packages, *brought}
    lacking = [] if {ENGINE, GPU_ENGINE} & there else [ENGINE]
    if push.bundle.accelerator == CPU:
        libraries = {engines.library(model.cpu_engine) for model in push.bundle.models}
        lacking += sorted(libraries - there - {ENGINE})
    return lacking


def _package(wheel: Path) -> str:
    try:
        return str(parse_wheel_filename(wheel.name)[0])
    except InvalidWheelFilename:
        return wheel.name
