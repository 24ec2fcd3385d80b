"""Make a package importable out of the bundle's wheels: no network, no pip, the image left as it is."""

from __future__ import annotations

import importlib
import os
import platform
import re
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from foldship_kernel import devices
from foldship_kernel.errors import BundleError

_MANYLINUX = re.compile(r"manylinux_(\d+)_(\d+)_(\w+)")
# Names from before PEP 600, https://peps.python.org/pep-0600/#legacy-manylinux-tags
_LEGACY = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
_GPU = "-gpu"


@dataclass(frozen=True)
class Host:
    """What wheels have to fit.

    Attributes:
        python: version of CPython, (major, minor).
        glibc: version of the C library, (major, minor); (0, 0) for another one.
        machine: the processor's architecture, such as `x86_64`.
        has: whether a package is there already, by canonical name.
    """

    python: tuple[int, int]
    glibc: tuple[int, int]
    machine: str
    has: Callable[[str], bool]

    @property
    def tag(self) -> str:
        """Tag of this Python, such as `cp312`."""
        return f"cp{self.python[0]}{self.python[1]}"


def this_host() -> Host:
    """The running Python and machine."""
    return Host(sys.version_info[:2], _glibc(), platform.machine(), _installed)


def provide(module: str, wheels: Sequence[Path], target: Path, *, gpu: bool) -> str:
    """Make `module` importable; an installed one is used as it is.

    All wheels that fit this Python and this machine are unpacked into `target`, which goes to the end of
    `sys.path`. So nothing that the image has is replaced, and wheels of it are not even unpacked.

    Args:
        module: top-level module wanted.
        wheels: wheel files to choose from.
        target: empty folder to unpack into.
        gpu: whether `<name>_gpu` wheels are preferred to `<name>` wheels, or left out.

    Returns:
        Where it came from, for the log.

    Raises:
        BundleError: it is neither installed nor in a wheel that fits, a wheel cannot be unpacked, or the
            module cannot be imported.
    """
    if find_spec(module) is not None:
        return "installed in the image"
    here = this_host()
    # What cannot be imported is not there, whatever a removed package may have left behind.
    lacking = replace(here, has=lambda name: name.removesuffix(_GPU) != module and here.has(name))
    chosen = choose(wheels, gpu=gpu, host=lacking)
    for wheel in chosen:
        _unpack(wheel, target)
    _lend_cuda_libraries(target)
    sys.path.append(str(target))
    importlib.invalidate_caches()
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise BundleError(
            f"{module} cannot be imported",
            expected=f"a wheel of it for {here.tag}, glibc {'.'.join(map(str, here.glibc))}, {here.machine}",
            found=f"{error}; wheels: {', '.join(wheel.name for wheel in wheels) or 'none'}",
            fix="build the bundle again with `make bundle` and upload all of it, wheels/ included",
        ) from error
    return f"unpacked from {', '.join(wheel.name for wheel in chosen)}"


def _unpack(wheel: Path, target: Path) -> None:
    """Unpack a wheel on all cores: inflating holds no interpreter lock.

    Raises:
        BundleError: it is damaged, or there is no room.
    """
    try:
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
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise BundleError(
            f"{wheel.name} cannot be unpacked: it is damaged",
            found=str(error),
            fix="build the bundle again with `make bundle` and upload all of it, wheels/ included",
        ) from error
    except OSError as error:
        raise BundleError(
            f"{wheel.name} cannot be unpacked into {target}",
            expected=f"room for {wheel.stat().st_size / 2**20:,.0f} MiB, unpacked up to three times as much",
            found=str(error),
            fix="write less to the disk before, or set TMPDIR to a folder on a larger one",
        ) from error


def choose(wheels: Iterable[Path], *, gpu: bool, host: Host | None = None) -> list[Path]:
    """One wheel per distribution that fits, and that the host lacks.

    Args:
        wheels: to choose from.
        gpu: whether `<name>_gpu` stands in for `<name>`; if not, it is taken only where no `<name>` fits,
            for it runs on processors, too.
        host: what they have to fit; None for the running Python and machine.
    """
    host = host or this_host()
    chosen: dict[str, Path] = {}
    for wheel in sorted(wheels, key=lambda wheel: wheel.name):
        name = _canonical(wheel.name.split("-")[0])
        plain = name.removesuffix(_GPU)
        if not fits(wheel.name, host) or host.has(plain) or host.has(plain + _GPU):
            continue
        # Sorted by name, "onnxruntime_gpu" comes after "onnxruntime" and takes its place.
        if gpu or name == plain or plain not in chosen:
            chosen[plain] = wheel
    return list(chosen.values())


def fits(name: str, host: Host | None = None) -> bool:
    """Whether a wheel of this file name runs on a Python and machine; by default, on the present ones.

    Source of the tags: https://packaging.python.org/specifications/platform-compatibility-tags
    """
    host = host or this_host()
    parts = name.removesuffix(".whl").split("-")
    if not name.endswith(".whl") or len(parts) not in (5, 6):
        return False
    pythons, abis, platforms = (tags.split(".") for tags in parts[-3:])
    return (
        any(_python_fits(python, abi, host) for python in pythons for abi in abis)
        and any(abi in ("none", "abi3", host.tag) for abi in abis)
        and any(_platform_fits(tag, host) for tag in platforms)
    )


def _python_fits(python: str, abi: str, host: Host) -> bool:
    if abi == "abi3":  # the stable ABI of an earlier Python 3
        return python.startswith("cp3") and int(python[3:]) <= host.python[1]
    return python in ("py3", host.tag)


def _platform_fits(tag: str, host: Host) -> bool:
    if tag == "any":
        return True
    family, _, machine = tag.partition("_")
    if family in _LEGACY:
        return machine == host.machine and _LEGACY[family] <= host.glibc
    match = _MANYLINUX.fullmatch(tag)
    if match is None:
        return False
    return match[3] == host.machine and (int(match[1]), int(match[2])) <= host.glibc


def _canonical(name: str) -> str:
    """The form that all spellings of a package's name share, as https://peps.python.org/pep-0503 has it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _glibc() -> tuple[int, int]:
    try:
        version = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError):  # another C library
        return 0, 0
    match = re.search(r"(\d+)\.(\d+)", version)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _lend_cuda_libraries(target: Path) -> None:
    """Show the image's CUDA libraries to `onnxruntime.preload_dlls`, which looks for them beside itself.

    Where wheels brought some themselves, the image's others are added.
    """
    spec = find_spec("nvidia")
    for place in list(spec.submodule_search_locations or ()) if spec else []:
        for library in sorted(path for path in Path(place).iterdir() if path.is_dir()):
            own = target / "nvidia" / library.name
            if not own.exists():
                own.parent.mkdir(parents=True, exist_ok=True)
                own.symlink_to(library)
