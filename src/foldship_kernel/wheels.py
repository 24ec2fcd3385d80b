"""Make a package importable out of the bundle's wheels: no network, no pip, the image left as it is."""

from __future__ import annotations

import importlib
import os
import platform
import re
import sys
import zipfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

from foldship_kernel import devices
from foldship_kernel.errors import BundleError

_MANYLINUX = re.compile(r"manylinux_(\d+)_(\d+)_(\w+)")
# Names from before PEP 600, https://peps.python.org/pep-0600/#legacy-manylinux-tags
_LEGACY = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}


def provide(module: str, wheels: Sequence[Path], target: Path, *, gpu: bool) -> str:
    """Make `module` importable; an installed one is used as it is.

    All wheels that fit this Python and this machine are unpacked into `target`, which goes to the end of
    `sys.path`, so that nothing the image has is replaced.

    Args:
        module: top-level module wanted.
        wheels: wheel files to choose from.
        target: empty folder to unpack into.
        gpu: whether `<name>_gpu` wheels are preferred to `<name>` wheels, or left out.

    Returns:
        Where it came from, for the log.

    Raises:
        BundleError: it is neither installed nor in a wheel that fits, or cannot be imported.
    """
    if find_spec(module) is not None:
        return "installed in the image"
    chosen = choose(wheels, gpu=gpu)
    for wheel in chosen:
        _unpack(wheel, target)
    _lend_cuda_libraries(target)
    sys.path.append(str(target))
    importlib.invalidate_caches()
    try:
        importlib.import_module(module)
    except ImportError as error:
        tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
        raise BundleError(
            f"{module} cannot be imported",
            expected=f"a wheel of it for {tag}, glibc {'.'.join(map(str, _glibc()))}, {platform.machine()}",
            found=f"{error}; wheels: {', '.join(wheel.name for wheel in wheels) or 'none'}",
            fix="build the bundle again with `make bundle` and upload all of it, wheels/ included",
        ) from error
    return f"unpacked from {', '.join(wheel.name for wheel in chosen)}"


def _unpack(wheel: Path, target: Path) -> None:
    """Unpack a wheel on all cores: inflating holds no interpreter lock."""
    with zipfile.ZipFile(wheel) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    for folder in {(target / entry.filename).parent for entry in entries}:
        folder.mkdir(parents=True, exist_ok=True)  # two threads at once would stumble over it
    entries.sort(key=lambda entry: entry.file_size, reverse=True)

    def unpack(share: list[zipfile.ZipInfo]) -> None:
        with zipfile.ZipFile(wheel) as archive:  # one for each thread: they are not made for several
            archive.extractall(target, share)

    threads = devices.threads()
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(unpack, entries[first::threads]) for first in range(threads)]:
            done.result()


def choose(wheels: Iterable[Path], *, gpu: bool) -> list[Path]:
    """One wheel per distribution that fits here; `<name>_gpu` stands in for `<name>`, or is left out."""
    chosen: dict[str, Path] = {}
    for wheel in sorted(wheels):
        distribution = wheel.name.split("-")[0].lower()
        if not fits(wheel.name) or (distribution.endswith("_gpu") and not gpu):
            continue
        # Sorted by name, "onnxruntime_gpu" comes after "onnxruntime" and takes its place.
        chosen[distribution.removesuffix("_gpu")] = wheel
    return list(chosen.values())


def fits(name: str) -> bool:
    """Whether a wheel of this file name runs on this Python and machine.

    Source of the tags: https://packaging.python.org/specifications/platform-compatibility-tags
    """
    parts = name.removesuffix(".whl").split("-")
    if not name.endswith(".whl") or len(parts) not in (5, 6):
        return False
    pythons, abis, platforms = (tags.split(".") for tags in parts[-3:])
    return (
        any(_python_fits(python, abi) for python in pythons for abi in abis)
        and any(abi in ("none", "abi3", _this_python()) for abi in abis)
        and any(_platform_fits(tag) for tag in platforms)
    )


def _this_python() -> str:
    return f"cp{sys.version_info.major}{sys.version_info.minor}"


def _python_fits(python: str, abi: str) -> bool:
    if abi == "abi3":  # the stable ABI of an earlier Python 3
        return python.startswith("cp3") and int(python[3:]) <= sys.version_info.minor
    return python in ("py3", _this_python())


def _platform_fits(tag: str) -> bool:
    if tag == "any":
        return True
    family, _, machine = tag.partition("_")
    if family in _LEGACY:
        return machine == platform.machine() and _LEGACY[family] <= _glibc()
    match = _MANYLINUX.fullmatch(tag)
    if match is None:
        return False
    return match[3] == platform.machine() and (int(match[1]), int(match[2])) <= _glibc()


def _glibc() -> tuple[int, int]:
    try:
        version = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError):  # another C library
        return 0, 0
    match = re.search(r"(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _lend_cuda_libraries(target: Path) -> None:
    """Show the image's CUDA libraries to `onnxruntime.preload_dlls`, which looks for them beside itself."""
    spec = find_spec("nvidia")
    places = list(spec.submodule_search_locations or ()) if spec else []
    if places and not (target / "nvidia").exists():
        (target / "nvidia").symlink_to(places[0])
