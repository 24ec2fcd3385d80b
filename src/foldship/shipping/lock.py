"""Locks: the very wheels that an image needs, by file name and hash, in a text that pip reads, too."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.tags import parse_tag
from packaging.utils import canonicalize_name

from foldship import receipts
from foldship.images.profile import Image
from foldship_kernel import atomic
from foldship_kernel.errors import FoldshipError

SUFFIX = ".lock"
_LINE = re.compile(
    r"(?P<name>[a-z0-9-]+)==(?P<version>\S+) --hash=sha256:(?P<sha256>[0-9a-f]{64})"
    r"  # (?P<file>\S+\.whl)"
)
_DIGEST = re.compile(r"# digest: ([0-9a-f]{64})")


@dataclass(frozen=True)
class Pin:
    """One wheel.

    Attributes:
        file: its name.
        sha256: of its content, in hex.
    """

    file: str
    sha256: str

    @property
    def name(self) -> str:
        """The package's canonical name."""
        return str(canonicalize_name(self.file.split("-")[0]))

    @property
    def requirement(self) -> str:
        """A line of a requirements file that admits this very file only."""
        return f"{self.name}=={self.file.split('-')[1]} --hash=sha256:{self.sha256}"

    def tags(self, python: str) -> list[str]:
        """What makes pip choose this file on any machine, for an image's Python as `3.12`."""
        interpreter, abi, platforms = self.file.removesuffix(".whl").split("-")[-3:]
        digits = re.fullmatch(r"cp3(\d+)", interpreter)
        # Wheels for many versions of Python are asked for as the image would ask for them.
        version = f"3.{digits[1]}" if digits and abi == interpreter else python
        options = ["--python-version", version, "--implementation", "cp", "--abi", abi]
        for tag in sorted({tag.platform for tag in parse_tag(f"{interpreter}-{abi}-{platforms}")}):
            options += ["--platform", tag]
        return options


@dataclass(frozen=True)
class Lock:
    """What an image lacks.

    Attributes:
        digest: of all that it was resolved from, see `digest`.
        pins: the wheels, sorted by file name.
    """

    digest: str
    pins: tuple[Pin, ...]


def name(image: str, python: str, choice: str) -> str:
    """A lock's file name: the image, its Python, and what of the engines was chosen."""
    return f"{image}-py{python.replace('.', '')}-{choice}{SUFFIX}"


def digest(image: Image, python: str, wanted: Iterable[str], left_out: Iterable[str]) -> str:
    """SHA-256 over all that a resolution depends on: the image's part in it, and what was asked for."""
    parts: dict[str, Any] = image.model_dump(
        mode="json", include={"implementation", "abiflags", "machine", "glibc", "cuda", "packages"}
    )
    return receipts.digest(
        {**parts, "python": python, "wanted": sorted(wanted), "left_out": sorted(left_out)}
    )


def write(path: Path, lock: Lock, title: str) -> None:
    """Store a lock; `title` is what its first line says."""
    lines = [
        f"# {title}",
        f"# digest: {lock.digest}",
        *(f"{pin.requirement}  # {pin.file}" for pin in lock.pins),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_text(path, "\n".join(lines) + "\n")


def read(path: Path) -> Lock | None:
    """Read a lock; None if there is none.

    Raises:
        FoldshipError: a line is none of a lock.
    """
    if not path.is_file():
        return None
    digests, pins = [], []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        told, match = _DIGEST.fullmatch(line), _LINE.fullmatch(line)
        if told:
            digests.append(told[1])
        elif match:
            pins.append(Pin(match["file"], match["sha256"]))
        elif line and not line.startswith("#"):
            raise FoldshipError(
                f"{path}: line {number} pins no wheel",
                expected="name==version --hash=sha256:...  # file",
                found=line,
                fix="delete the file, it is made again",
            )
    if len(digests) != 1:
        raise FoldshipError(
            f"{path}: {len(digests)} digests", expected="one", fix="delete the file, it is made again"
        )
    return Lock(digests[0], tuple(sorted(pins, key=lambda pin: pin.file)))
