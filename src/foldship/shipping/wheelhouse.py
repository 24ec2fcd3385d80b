"""The wheels that travel, because the competition's image lacks them: pinned, hashed, fetched once.

What is pinned is listed in `wheels.json`: ONNX Runtime and all it requires, and OpenVINO, for Python 3.11 and
3.12 on x86-64 Linux. ONNX Runtime 1.26.0 is the last whose GPU build is made for CUDA 12, as in the image.
OpenVINO travels only where a model runs on it. It needs NumPy alone: the telemetry package that it names as
required is left at home, and it runs without telemetry.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

from foldship_kernel.errors import FoldshipError
from foldship_kernel.manifest import sha256

IMAGE_PYTHON = "312"
PINS = Path(__file__).with_name("wheels.json")


@dataclass(frozen=True)
class Pin:
    """One wheel.

    Attributes:
        file: its name.
        sha256: of its content, in hex.
        accelerators: what it is shipped for, "cpu" and "gpu".
        library: the engines' library that it brings, if not every bundle needs it.
    """

    file: str
    sha256: str
    accelerators: tuple[str, ...]
    library: str | None = None

    @property
    def requirement(self) -> str:
        """A line of a requirements file that admits this very file only."""
        name, version = self.file.split("-")[:2]
        return f"{name}=={version} --hash=sha256:{self.sha256}"

    @property
    def tags(self) -> list[str]:
        """What makes pip choose this file on any machine."""
        python, abi, platforms = self.file.removesuffix(".whl").split("-")[-3:]
        # Wheels for many versions of Python are asked for as the image would ask for them.
        version = python.removeprefix("cp") if abi == python else IMAGE_PYTHON
        options = ["--python-version", version, "--abi", abi]
        for platform in platforms.split("."):
            options += ["--platform", platform]
        return options


def pins(accelerator: str, libraries: Container[str] = ()) -> list[Pin]:
    """The wheels to ship for "cpu" or "gpu" and for models that run on `libraries`, sorted by file name."""
    entries = json.loads(PINS.read_text(encoding="utf-8"))
    known = [
        Pin(entry["file"], entry["sha256"], tuple(entry["accelerators"]), entry.get("library"))
        for entry in entries
    ]
    wanted = [
        pin
        for pin in known
        if accelerator in pin.accelerators and (pin.library is None or pin.library in libraries)
    ]
    return sorted(wanted, key=lambda pin: pin.file)


def fetch(cache: Path, accelerator: str, libraries: Container[str] = ()) -> list[Path]:
    """Return the pinned wheels, downloading those that `cache` does not hold whole; arguments as of `pins`.

    Raises:
        FoldshipError: pip cannot get one of them.
    """
    cache.mkdir(parents=True, exist_ok=True)
    wheels = []
    for pin in pins(accelerator, libraries):
        path = cache / pin.file
        if not path.is_file() or sha256(path) != pin.sha256:
            _download(pin, path)
        wheels.append(path)
    return wheels


def _download(pin: Pin, path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".fetch-") as folder:
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text(pin.requirement + "\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command += ["--no-deps", "--only-binary=:all:", "--require-hashes", *pin.tags]
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
