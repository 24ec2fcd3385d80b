"""The machine: folders that can be written to, files that can be opened, room on the disks."""

from __future__ import annotations

import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from foldship.preflight.answers import Finding, refusal

MIB, GIB = 1 << 20, 1 << 30
FILES = 256  # open at once: libraries' own, and pipes to the folds' processes
OLDEST, NEWEST = (3, 11), (3, 12)


def python(version: tuple[int, int] = sys.version_info[:2]) -> Iterator[Finding]:
    """Whether this is a Python that all libraries are to be had for."""
    if not OLDEST <= version <= NEWEST:
        yield refusal(
            "this Python is not one that Foldship runs on",
            expected="Python 3.11 or 3.12",
            found=f"{version[0]}.{version[1]}, {sys.executable}",
            fix="make PYTHON=python3.12 ... builds the environment with another one",
        )


def open_files() -> Iterator[Finding]:
    """Whether enough files may be open at once; as many as are allowed are taken."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < FILES and soft != resource.RLIM_INFINITY:
        wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        if wanted < FILES:
            yield refusal(
                "too few files may be open at once",
                expected=f"{FILES} or more",
                found=f"{hard} (`ulimit -Hn`)",
                fix="raise the limit: `ulimit -n 1024` as root, or nofile in /etc/security/limits.conf",
            )


def writable(*folders: Path) -> Iterator[Finding]:
    """Whether the folders can be made and written to."""
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, prefix=".preflight-"):
                pass
        except OSError as error:
            yield refusal(
                f"{folder}: cannot be written to",
                found=os.strerror(error.errno or 0),
                fix="give yourself the right to write there, or set FOLDSHIP_ROOT to a copy of the project "
                "that you may write to",
            )


def memory(what: str, wanted: int, there: int) -> Iterator[Finding]:
    """Whether weights fit into the machine at all.

    Args:
        what: whose they are.
        wanted: their bytes in fp32.
        there: bytes that the machine has.
    """
    if wanted > there:
        yield refusal(
            f"{what}: does not fit into this machine's memory",
            expected=f"{wanted / GIB:.1f} GiB for its weights in fp32, and more to train them",
            found=f"{there / GIB:.1f} GiB, swap included",
            fix="choose a smaller backbone, or a machine with more memory",
        )


def room(needs: Mapping[str, tuple[Path, int]]) -> Iterator[Finding]:
    """Whether the disks have room.

    Args:
        needs: by what it is for, a folder that is there and the bytes that will be written below it.
    """
    disks: dict[int, list[str]] = {}
    for what, (folder, _) in needs.items():
        disks.setdefault(folder.stat().st_dev, []).append(what)
    for parts in disks.values():
        folder = needs[parts[0]][0]
        wanted, free = sum(needs[what][1] for what in parts), shutil.disk_usage(folder).free
        if free < wanted:
            each = ", ".join(f"{what} {needs[what][1] / MIB:,.0f} MiB" for what in parts if needs[what][1])
            yield refusal(
                f"{folder}: too little room on the disk",
                expected=f"{wanted / MIB:,.0f} MiB free: {each}",
                found=f"{free / MIB:,.0f} MiB",
                fix="free some space; or take fewer folds, or a smaller backbone",
            )
