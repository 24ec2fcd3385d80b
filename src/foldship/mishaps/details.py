"""A file with the details of what happened, for whoever mends it."""

from __future__ import annotations

import os
import platform
import shlex
import sys
import tempfile
import threading
from contextlib import suppress
from datetime import UTC, datetime
from importlib import metadata
from itertools import count
from pathlib import Path

from foldship_kernel import __version__

FOLDER = "FOLDSHIP_ERRORS"  # the variable with the folder, so that processes of ours know it too
PACKAGES = ("torch", "transformers", "peft", "onnxruntime", "openvino", "optimum", "numpy", "pandas")


def keep_in(folder: Path) -> None:
    """Keep the details of whatever fails from now on in this folder, made when it is needed."""
    os.environ[FOLDER] = str(folder)


def write(text: str) -> Path | None:
    """Write a file of its own; in the temporary folder where the project's cannot be written.

    Returns:
        The file, or None where there is no room for it anywhere.
    """
    with suppress(OSError):
        return _in_project(text)
    with suppress(OSError):
        number, name = tempfile.mkstemp(prefix="foldship-error-", suffix=".txt")
        with os.fdopen(number, "w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text)
        return Path(name)
    return None


def _in_project(text: str) -> Path:
    """Write a file where `keep_in` said; raises OSError where that is nowhere, or cannot be written."""
    if not os.environ.get(FOLDER):
        raise FileNotFoundError
    folder, name = Path(os.environ[FOLDER]), f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    folder.mkdir(parents=True, exist_ok=True)
    for number in count():
        path = folder / f"{name}{f'-{number}' if number else ''}.txt"
        with (
            suppress(FileExistsError),
            path.open("x", encoding="utf-8", errors="backslashreplace") as stream,
        ):
            stream.write(text)
            return path
    raise AssertionError


def circumstances() -> str:
    """What was asked for, and what it ran on."""
    lines = [
        f"time:         {datetime.now(UTC).isoformat(timespec='seconds')}",
        f"command:      {shlex.join([Path(sys.argv[0] or 'python').name, *sys.argv[1:]])}",
        f"folder:       {_folder()}",
        f"foldship:     {__version__}",
        f"python:       {platform.python_version()} ({sys.executable})",
        f"machine:      {platform.platform()}, {os.cpu_count()} processors",
        f"thread:       {threading.current_thread().name}",
    ]
    for name in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            lines.append(f"{name + ':':<14}{metadata.version(name)}")
    return "\n".join(lines)


def _folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:
        return "gone"
