"""The wheels that travel: what the images lack, pinned for each, and proven to install offline."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from foldship.images import compatibility, profile
from foldship.images.compatibility import ENGINE, GPU_ENGINE
from foldship.images.profile import Image
from foldship.shipping import fetching, lock, proof, resolving
from foldship.shipping.lock import Lock, Pin
from foldship.shipping.needs import BASICS, LEFT_OUT, OPENVINO, on_gpu, wanted
from foldship_kernel.errors import FoldshipError

LOCKS = Path(__file__).with_name("locks")
WHY = {
    ENGINE: "runs the models",
    GPU_ENGINE: "runs the models on GPUs",
    OPENVINO: "runs models faster on a CPU",
    **dict.fromkeys(BASICS, "the kernel imports it"),
}


@dataclass(frozen=True)
class Place:
    """Where a bundle is to run: one of an image's versions of Python.

    Attributes:
        name: of the image.
        image: its profile.
        python: as `3.12`.
    """

    name: str
    image: Image
    python: str

    def __str__(self) -> str:
        return f"{self.name}, Python {self.python}"


@dataclass(frozen=True)
class Entry:
    """A wheel of the wheelhouse, as one image needs it.

    Attributes:
        image: the image's name.
        python: as `3.12`.
        wheel: its file name.
        size: in bytes.
        why: what it is there for.
    """

    image: str
    python: str
    wheel: str
    size: int
    why: str


@dataclass(frozen=True)
class Wheelhouse:
    """What travels.

    Attributes:
        wheels: files, each once, sorted by name.
        entries: which image needs what, in the order of the images.
        proven: images in which the offline installation was proven.
    """

    wheels: tuple[Path, ...]
    entries: tuple[Entry, ...]
    proven: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON-like value, without the files."""
        return {"entries": [asdict(entry) for entry in self.entries], "proven": list(self.proven)}


def assemble(
    images: Iterable[str], own: Path, accelerator: str, libraries: Container[str], cache: Path
) -> Wheelhouse:
    """Fetch the wheels that any of the images lacks, and prove that they install in each of them.

    Args:
        images: names of images.
        own: folder of the user's own images, and of the locks that are made for these.
        accelerator: "cpu" or "gpu".
        libraries: of the engines that models run on.
        cache: folder that keeps wheels between runs.

    Raises:
        FoldshipError: an image is not known, its wheels cannot be resolved or fetched, the proof fails, or no
            image has the CUDA that a GPU kernel is for.
    """
    gathered = gather(images, own, accelerator, libraries, cache)
    shipped = sorted({wheel.name: wheel for *_, wheels in gathered for wheel in wheels}.values())
    entries = []
    for place, needs, wheels in gathered:
        gpu = on_gpu(place.image, accelerator)
        ask = proof.Ask(place.image, place.python, tuple(needs), LEFT_OUT, gpu)
        proof.prove(ask, wheels, shipped, str(place))
        entries += [
            Entry(
                place.name, place.python, wheel.name, wheel.stat().st_size, _why(wheel, wheels, place.python)
            )
            for wheel in wheels
        ]
    return Wheelhouse(tuple(shipped), tuple(entries), tuple(str(place) for place, *_ in gathered))


def gather(
    images: Iterable[str], own: Path, accelerator: str, libraries: Container[str], cache: Path
) -> list[tuple[Place, list[str], list[Path]]]:
    """Fetch the wheels that any of the images lacks; arguments as of `assemble`.

    Returns:
        Of each place what a kernel needs there besides what the image has, and the wheels that bring it.

    Raises:
        FoldshipError: as `assemble`, but for the proof.
    """
    return [
        (place, needs, [fetching.fetch(cache, pin, place.python) for pin in pinned(place, needs, own)])
        for place, needs in lacking(images, own, accelerator, libraries)
    ]


def lacking(
    images: Iterable[str], own: Path, accelerator: str, libraries: Container[str]
) -> list[tuple[Place, list[str]]]:
    """Of each place what a kernel needs besides what the image has; nothing is resolved or fetched.

    Raises:
        FoldshipError: an image is not known or cannot be used, or none has the CUDA that a GPU kernel is for.
    """
    known = places(images, own)
    if accelerator == "gpu" and not any(on_gpu(place.image, accelerator) for place in known):
        raise FoldshipError(
            "a GPU kernel, but none of the images has CUDA: it would run on the CPU",
            expected="at least one image with CUDA, such as kaggle-gpu",
            found=", ".join(str(place) for place in known),
            fix="add an image to `images` in kernel.yaml, or choose `accelerator: cpu` there",
        )
    return [(place, wanted(place.image, accelerator, libraries)) for place in known]


def given(wheels: Iterable[Path], images: Iterable[str], own: Path) -> Wheelhouse:
    """A wheelhouse of the user's own wheels; whether they are all that is needed is for the user to know.

    Raises:
        FoldshipError: a wheel fits none of the images, with the reason by image; or an image is not known.
    """
    known, files = places(images, own), sorted(wheels, key=lambda wheel: wheel.name)
    entries = []
    for wheel in files:
        reasons = [(place, compatibility.refusal(wheel, place.image, place.python)) for place in known]
        if all(reason for _, reason in reasons):
            raise FoldshipError(
                f"{wheel.name} fits none of the images",
                expected="a wheel that at least one of them can use and lacks",
                found="; ".join(f"{place}: {reason}" for place, reason in reasons),
                fix="take it out of the wheels, bring another build of it, or change `images` in kernel.yaml",
            )
        entries += [
            Entry(place.name, place.python, wheel.name, wheel.stat().st_size, "given")
            for place, reason in reasons
            if reason is None
        ]
    return Wheelhouse(tuple(files), tuple(entries), ())


def places(images: Iterable[str], own: Path) -> list[Place]:
    """Every version of Python of every image, each once.

    Raises:
        FoldshipError: an image is not known, or its profile cannot be used.
    """
    found = {name: profile.find(name, own) for name in images}
    return [Place(name, image, python) for name, image in found.items() for python in image.pythons]


def pinned(place: Place, needs: Sequence[str], own: Path) -> tuple[Pin, ...]:
    """The wheels for a place: of its lock, or resolved anew where that is missing or stale, and then kept.

    Raises:
        FoldshipError: they cannot be resolved, or a lock is malformed.
    """
    if not needs:
        return ()
    file, digest = lock_name(place, needs), lock.digest(place.image, place.python, needs, LEFT_OUT)
    for folder in (own, LOCKS):
        found = lock.read(folder / file)
        if found is not None and found.digest == digest:
            return found.pins
    return make_lock(place, needs, own).pins


def make_lock(place: Place, needs: Sequence[str], folder: Path) -> Lock:
    """Resolve what a place lacks, and keep it as a lock in `folder`.

    Raises:
        FoldshipError: it cannot be resolved.
    """
    pins = resolving.resolve(place.image, place.python, needs, LEFT_OUT)
    made = Lock(lock.digest(place.image, place.python, needs, LEFT_OUT), tuple(pins))
    lock.write(folder / lock_name(place, needs), made, f"What {place} lacks for {', '.join(needs)}")
    return made


def lock_name(place: Place, needs: Iterable[str]) -> str:
    """File name of the lock for a place and what it needs."""
    engines = [name for name in (Requirement(need).name for need in needs) if name not in BASICS]
    return lock.name(place.name, place.python, "-".join(engines) or "basics")


def _why(wheel: Path, wheels: Iterable[Path], python: str) -> str:
    """What a wheel is there for: by itself, or by what asks for it."""
    name = parse_wheel_filename(wheel.name)[0]
    if name in WHY:
        return WHY[name]
    askers = [
        parse_wheel_filename(other.name)[0]
        for other in wheels
        if any(canonicalize_name(need.name) == name for need in compatibility.requirements(other, python))
    ]
    return f"needed by {', '.join(askers)}"
