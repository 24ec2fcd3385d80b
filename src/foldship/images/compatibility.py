"""Whether a wheel fits an image, and if not, why not, in plain words.

Source of the tags: https://packaging.python.org/specifications/platform-compatibility-tags
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from foldship.images.profile import Image, version

ENGINE, GPU_ENGINE = "onnxruntime", "onnxruntime-gpu"
GPU_SUFFIX = "-gpu"
# Major version of CUDA that wheels on the package index are built for, from a release of onnxruntime-gpu on.
# https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html, and for the last
# https://github.com/microsoft/onnxruntime/releases/tag/v1.27.0
CUDA_BUILDS = ((Version("1.27"), 13), (Version("1.19"), 12), (Version("0"), 11))
_LEGACY = {"manylinux2014": (2, 17), "manylinux2010": (2, 12), "manylinux1": (2, 5)}
_MANYLINUX = re.compile(r"manylinux_(\d+)_(\d+)_(.+)")
_OLDEST_GLIBC = 5


def refusal(wheel: str | Path, image: Image, python: str) -> str | None:
    """Why a wheel does not fit an image.

    Args:
        wheel: a wheel's file name, or path; of a file that exists, the metadata is read, too.
        image: where it is to run.
        python: the image's Python, as `3.12`.

    Returns:
        The reason; None if it fits.
    """
    path = Path(wheel)
    try:
        name, release, _, tags = parse_wheel_filename(path.name)
    except InvalidWheelFilename as error:
        return f"no name of a wheel: {error}"
    return (
        _wrong_tags(tags, image, python)
        or _wrong_cuda(name, release, image)
        or _shadowed(name, image)
        or (_wrong_metadata(path, image, python) if path.is_file() else None)
    )


def tags(image: Image, python: str) -> list[Tag]:
    """Tags of the wheels that an image's Python takes, the best first."""
    major_minor = version(python)
    interpreter = f"cp{major_minor[0]}{major_minor[1]}"
    platforms = list(_platforms(image))
    own = cpython_tags(major_minor, [interpreter + image.abiflags], platforms)
    return [*own, *compatible_tags(major_minor, interpreter, platforms)]


def best(names: Iterable[str], image: Image, python: str) -> str | None:
    """The one of several wheels of a release that an installer would take; None if none fits."""
    order = {tag: place for place, tag in enumerate(tags(image, python))}
    ranked = [
        (min(order[tag] for tag in fitting), name)
        for name in names
        if (fitting := parse_wheel_filename(name)[3] & order.keys())
    ]
    return min(ranked)[1] if ranked else None


def cuda_build(release: Version) -> int:
    """Major version of CUDA that a release of onnxruntime-gpu is built for."""
    return next(cuda for first, cuda in CUDA_BUILDS if release >= first)


def requirements(wheel: Path, python: str) -> list[Requirement]:
    """What a wheel says that it needs where it is installed without extras.

    Raises:
        ValueError: it is no whole wheel.
    """
    declared = _metadata(wheel).get_all("Requires-Dist") or []
    environment = {"python_version": python, "python_full_version": f"{python}.0", "extra": ""}
    environment |= {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"}
    found = [Requirement(line) for line in declared]
    return [need for need in found if need.marker is None or need.marker.evaluate(environment)]


def _wrong_tags(found: frozenset[Tag], image: Image, python: str) -> str | None:
    fitting = set(tags(image, python))
    if found & fitting:
        return None
    takes = {(tag.interpreter, tag.abi) for tag in fitting}
    here = [tag for tag in found if (tag.interpreter, tag.abi) in takes]
    if not here:
        built = sorted({_python_words(tag) for tag in found})
        return f"built for {' or '.join(built)}, the image has {python}"
    return _wrong_platform({tag.platform for tag in here}, image)


def _python_words(tag: Tag) -> str:
    match = re.fullmatch(r"cp(\d)(\d+)", tag.interpreter)
    words = f"CPython {match[1]}.{match[2]}" if match else f"Python '{tag.interpreter}'"
    return words if tag.abi in (tag.interpreter, "none", "abi3") else f"{words} with ABI {tag.abi}"


def _wrong_platform(platforms: set[str], image: Image) -> str:
    needed = []
    for platform in platforms:
        if platform.startswith("musllinux"):
            return f"built for musl ({platform}), the image has glibc {image.glibc}"
        glibc, machine = _linux(platform)
        if machine is not None and machine != image.machine:
            return f"built for processors of the kind {machine}, the image's are {image.machine}"
        if glibc is not None:
            needed.append(glibc)
    if needed:
        return f"needs glibc {'.'.join(map(str, min(needed)))}, the image has {image.glibc}"
    return f"built for {', '.join(sorted(platforms))}, the image is Linux on {image.machine}"


def _linux(platform: str) -> tuple[tuple[int, int] | None, str | None]:
    """(glibc, machine) that a platform tag asks for, as far as it tells."""
    match = _MANYLINUX.fullmatch(platform)
    if match:
        return (int(match[1]), int(match[2])), match[3]
    family, _, machine = platform.partition("_")
    if family in _LEGACY or family == "linux":
        return _LEGACY.get(family), machine
    return None, None


def _platforms(image: Image) -> Iterator[str]:
    major, newest = image.c_library
    for minor in range(newest, _OLDEST_GLIBC - 1, -1):
        yield f"manylinux_{major}_{minor}_{image.machine}"
        for name, glibc in _LEGACY.items():
            if glibc == (major, minor):
                yield f"{name}_{image.machine}"
    yield f"linux_{image.machine}"


def _wrong_cuda(name: str, release: Version, image: Image) -> str | None:
    if name != GPU_ENGINE:
        return None
    if image.cuda is None:
        return "built for CUDA, the image has none"
    built = cuda_build(release)
    if built == image.cuda:
        return None
    return (
        f"{name} {release} is built for CUDA {built}, the image has CUDA {image.cuda}: "
        "it loads and silently runs on the CPU"
    )


def _shadowed(name: str, image: Image) -> str | None:
    # A GPU build brings the same modules as the plain one.
    plain = name.removesuffix(GPU_SUFFIX)
    for other in dict.fromkeys((name, plain, plain + GPU_SUFFIX)):
        if other in image.packages:
            return f"would shadow {other} {image.packages[other]} that the image has"
    return None


def _wrong_metadata(wheel: Path, image: Image, python: str) -> str | None:
    try:
        asked = _metadata(wheel)["Requires-Python"]
        needs = requirements(wheel, python)
    except ValueError as error:
        return str(error)
    if asked and not SpecifierSet(asked).contains(f"{python}.99"):
        return f"needs Python {asked}, the image has {python}"
    for need in needs:
        present = image.packages.get(canonicalize_name(need.name))
        if present is not None and not _admits(need.specifier, present):
            return f"needs {need.name}{need.specifier}, the image has {present}"
    return None


def _admits(specifier: SpecifierSet, present: str) -> bool:
    try:
        return specifier.contains(Version(present), prereleases=True)
    except InvalidVersion:  # a distribution's own way to count: nobody can tell
        return True


def _metadata(wheel: Path) -> Message:
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
            if len(names) != 1:
                raise ValueError(f"no whole wheel: {len(names)} files METADATA in it")
            return message_from_bytes(archive.read(names[0]))
    except (zipfile.BadZipFile, OSError) as error:
        raise ValueError(f"no whole wheel: {error}") from error
