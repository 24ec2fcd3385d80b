"""What a kernel finds around it: Kaggle's folders, its environment, and how much of everything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from foldship_kernel import parts
from foldship_kernel.errors import BundleError, FoldshipError

GIB = 1 << 30
INPUT = "/kaggle/input"
WORKING = "/kaggle/working"
SOURCE = "/kaggle/src"
TEMPORARY = "/tmp"
HOME = "/root"
KERNEL_METADATA = "kernel-metadata.json"
DATASET_METADATA = "dataset-metadata.json"
# What a committed run sees on Kaggle, without the tokens; the last one only when a submission is scored.
KAGGLE_ENVIRONMENT = {
    "KAGGLE_KERNEL_RUN_TYPE": "Batch",
    "KAGGLE_URL_BASE": "https://www.kaggle.com",
    "KAGGLE_IS_COMPETITION_RERUN": "1",
}
# Where Kaggle mounts a dataset and a competition: since 2026, before that, and for archives unpacked into a
# folder of their own.
LAYOUTS = {
    "current": ("datasets/{owner}/{dataset}", "competitions/{competition}"),
    "flat": ("{dataset}", "{competition}"),
    "nested": ("datasets/{owner}/{dataset}/{dataset}", "competitions/{competition}/{competition}"),
}


@dataclass(frozen=True)
class Bind:
    """A folder or file of this machine that the kernel sees."""

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True)
class Scratch:
    """An empty writable folder in memory of at most `size` bytes."""

    target: str
    size: int


@dataclass(frozen=True)
class Room:
    """Everything about the sandbox that does not depend on how it is made.

    Attributes:
        binds: Kaggle's folders.
        scratches: empty writable folders.
        environment: all variables the kernel gets.
        script: path of the kernel's code file inside.
        memory_bytes: most memory, all processes together.
        working_bytes: room in the working folder.
        limit_s: seconds after which the kernel is stopped.
        cpus: processors it may use, fractions allowed; None for all.
    """

    binds: tuple[Bind, ...]
    scratches: tuple[Scratch, ...]
    environment: Mapping[str, str]
    script: str
    memory_bytes: int
    working_bytes: int
    limit_s: float
    cpus: float | None = None


def furnish(
    kernel: Path,
    dataset: Path,
    input_folder: Path,
    temporary: Path,
    *,
    competition: str,
    layout: str,
    limit_s: float,
    memory_gib: float,
    working_gib: float,
    cpus: float | None = None,
) -> Room:
    """Lay out a room.

    Args:
        kernel: folder with `kernel-metadata.json` and the code file.
        dataset: folder with `dataset-metadata.json` and the bundle; its further parts lie beside it.
        input_folder: folder with the competition's files.
        temporary: empty folder that becomes /tmp.
        competition: the competition's slug on Kaggle.
        layout: one of LAYOUTS.
        limit_s: seconds the kernel may run.
        memory_gib: most memory in GiB.
        working_gib: room in /kaggle/working in GiB.
        cpus: processors it may use; None for all.

    Raises:
        FoldshipError: a folder or file is missing, or there is no such layout.
    """
    for folder, fix in (
        (kernel, "make it with `make bundle`"),
        (dataset, "make it with `make bundle`"),
        (input_folder, "give the folder with the competition's files as INPUT="),
    ):
        if not folder.is_dir():
            raise FoldshipError(f"{folder}: no such folder", fix=fix)
    if layout not in LAYOUTS:
        raise FoldshipError(
            f"unknown layout '{layout}'", expected=f"one of {', '.join(LAYOUTS)}", fix="name one of these"
        )
    code_file = str(read_metadata(kernel / KERNEL_METADATA).get("code_file", "main.py"))
    if not (kernel / code_file).is_file():
        raise BundleError(f"{kernel / code_file}: no such file", fix="build it again with `make bundle`")
    dataset_place, competition_place = LAYOUTS[layout]
    competition_target = f"{INPUT}/{competition_place.format(competition=competition)}"
    return Room(
        binds=(
            Bind(kernel.resolve(), SOURCE),
            *(Bind(part.resolve(), _mount(part, dataset_place)) for part in parts.built(dataset)),
            Bind(input_folder.resolve(), competition_target),
            Bind(temporary.resolve(), TEMPORARY, writable=True),
        ),
        scratches=(
            Scratch(WORKING, int(working_gib * GIB)),
            Scratch(HOME, GIB),
            Scratch("/dev/shm", GIB),
        ),
        environment={
            "PATH": "/opt/image/bin:/usr/local/bin:/usr/bin:/bin",
            "HOME": HOME,
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",  # so that the log is seen as it is written
            "FOLDSHIP_LIMIT_S": f"{limit_s:g}",
            **KAGGLE_ENVIRONMENT,
        },
        script=f"{SOURCE}/{code_file}",
        memory_bytes=int(memory_gib * GIB),
        working_bytes=int(working_gib * GIB),
        limit_s=limit_s,
        cpus=cpus,
    )


def _mount(dataset: Path, place: str) -> str:
    """Where one of the bundle's datasets is seen."""
    owner, _, slug = str(read_metadata(dataset / DATASET_METADATA).get("id", "")).rpartition("/")
    return f"{INPUT}/{place.format(owner=owner or 'owner', dataset=slug or 'dataset')}"


def read_metadata(path: Path) -> dict[str, object]:
    """Read one of Kaggle's metadata files.

    Raises:
        BundleError: it is missing or no JSON object.
    """
    fix = "build it again with `make bundle`"
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BundleError(f"{path}: cannot be read", found=str(error), fix=fix) from error
    if not isinstance(value, dict):
        raise BundleError(f"{path}: not a JSON object", found=type(value).__name__, fix=fix)
    return value
