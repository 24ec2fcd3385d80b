"""Wheels fetched once, and only as the very files that were pinned."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from foldship.shipping.lock import Pin
from foldship_kernel.errors import FoldshipError
from foldship_kernel.manifest import sha256


def fetch(cache: Path, pin: Pin, python: str) -> Path:
    """Return a pinned wheel, downloaded if `cache` does not hold it whole.

    Args:
        cache: folder that keeps wheels between runs.
        pin: the wheel.
        python: the image's Python, as `3.12`.

    Raises:
        FoldshipError: pip cannot get it.
    """
    cache.mkdir(parents=True, exist_ok=True)
    path = cache / pin.file
    if not path.is_file() or sha256(path) != pin.sha256:
        _download(pin, path, python)
    return path


def _download(pin: Pin, path: Path, python: str) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".fetch-") as folder:
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text(pin.requirement + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command += ["--no-deps", "--only-binary=:all:", "--require-hashes", *pin.tags(python)]
        result = subprocess.run(
            [*command, "--dest", folder, "--requirement", str(requirements)], capture_output=True, text=True
        )
        fetched = Path(folder) / pin.file
        if result.returncode or not fetched.is_file():
            raise FoldshipError(
                f"the wheel {pin.file} cannot be fetched",
                expected=pin.requirement,
                found=(
                    result.stderr.strip() or f"pip brought {sorted(p.name for p in Path(folder).iterdir())}"
                ),
                fix=f"check the network and pip's index, or put that very file into {path.parent}",
            )
        fetched.replace(path)
