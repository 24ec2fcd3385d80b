"""What an image lacks, resolved by uv: for another Python and platform than this machine's."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import uv
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from foldship.images import compatibility
from foldship.images.profile import Image
from foldship.shipping.lock import Pin
from foldship_kernel.errors import FoldshipError

# The newest of uv's platforms that is no newer than the image's glibc; those between are not known to it.
_GLIBC_OF_UV = (40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 28, 17)


def resolve(image: Image, python: str, wanted: Sequence[str], left_out: Iterable[str]) -> list[Pin]:
    """The wheels that an image's Python lacks for what is wanted.

    Nothing that the image has is replaced: its versions are constraints, and then left out.

    Args:
        image: what is there.
        python: the image's Python, as `3.12`.
        wanted: requirements, such as `onnxruntime==1.26.0`.
        left_out: names of packages that are left at home although something asks for them.

    Raises:
        FoldshipError: no set of wheels meets all, or the package index cannot be reached.
    """
    with tempfile.TemporaryDirectory(prefix="foldship-resolve-") as name:
        folder = Path(name)
        result = folder / "pylock.toml"
        command = [*_uv("compile", folder, image, python, wanted, left_out), "--constraints", "image.txt"]
        (folder / "image.txt").write_text("\n".join(constraints(image)), encoding="utf-8")
        answer = _run(
            [*command, "--format", "pylock.toml", "--output-file", str(result), "wanted.txt"], folder
        )
        if answer.returncode:
            raise FoldshipError(
                f"no wheels for {', '.join(wanted)} fit the image's Python {python} and what it has",
                expected=f"wheels for glibc {image.glibc}, {image.machine}, beside the image's own packages",
                found=answer.stderr.strip(),
                fix="if the network failed, try again; else correct the image's profile, or `images`",
            )
        packages = tomllib.loads(result.read_text(encoding="utf-8")).get("packages", [])
    lacking = [package for package in packages if canonicalize_name(package["name"]) not in image.packages]
    return sorted((_pin(package, image, python) for package in lacking), key=lambda pin: pin.file)


def dry_run(
    image: Image, python: str, wanted: Sequence[str], left_out: Iterable[str], wheels: Path
) -> tuple[bool, str]:
    """Let uv plan, offline, how it would install what is wanted into an image; nothing is installed.

    A folder with no more than the metadata of the image's packages stands for the image.

    Args:
        image, python, wanted, left_out: as of `resolve`.
        wheels: folder with all that may be installed.

    Returns:
        Whether all would be met, and what uv said.
    """
    with tempfile.TemporaryDirectory(prefix="foldship-prove-") as name:
        folder = Path(name)
        for package, version in _comparable(image).items():
            _stub(folder / "image", package, version)
        (folder / "image").mkdir(exist_ok=True)
        command = _uv("install", folder, image, python, wanted, left_out)
        command += ["--offline", "--no-index", "--find-links", str(wheels.resolve()), "--dry-run"]
        answer = _run([*command, "--target", "image", "--requirements", "wanted.txt"], folder)
    return answer.returncode == 0, answer.stderr.strip() or answer.stdout.strip()


def constraints(image: Image) -> list[str]:
    """Lines of a constraints file that hold an image's packages at their versions."""
    return [f"{name}=={version}" for name, version in _comparable(image).items()]


def _comparable(image: Image) -> Mapping[str, str]:
    """The packages whose versions are such as https://peps.python.org/pep-0440 admits."""

    def comparable(version: str) -> bool:
        try:
            return bool(Version(version))
        except InvalidVersion:
            return False

    return {name: version for name, version in image.packages.items() if comparable(version)}


def _uv(
    verb: str, folder: Path, image: Image, python: str, wanted: Sequence[str], left_out: Iterable[str]
) -> list[str]:
    (folder / "wanted.txt").write_text("\n".join(wanted), encoding="utf-8")
    (folder / "left-out.txt").write_text("\n".join(sorted(left_out)), encoding="utf-8")
    minor = next((known for known in _GLIBC_OF_UV if (2, known) <= image.c_library), _GLIBC_OF_UV[-1])
    # Without the user's own settings of uv: same inputs, same wheels. No Python is fetched or built with.
    command = [uv.find_uv_bin(), "pip", verb, "--no-config", "--no-progress", "--color", "never"]
    command += ["--python", sys.executable, "--no-python-downloads", "--only-binary", ":all:"]
    command += ["--python-version", python, "--python-platform", f"{image.machine}-manylinux_2_{minor}"]
    return [*command, "--excludes", "left-out.txt"]


def _run(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def _stub(folder: Path, name: str, version: str) -> None:
    stub = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    stub.mkdir(parents=True)
    (stub / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (stub / "INSTALLER").write_text("image\n")
    (stub / "RECORD").touch()


def _pin(package: Mapping[str, Any], image: Image, python: str) -> Pin:
    """The wheel that an installer would take, of all that the index has of a release."""
    hashes = {_file(wheel): wheel["hashes"].get("sha256") for wheel in package.get("wheels", [])}
    by_file = {file: sha256 for file, sha256 in hashes.items() if sha256}
    file = compatibility.best(by_file, image, python)
    if file is None:
        raise FoldshipError(
            f"{package['name']} {package['version']} has no wheel for this image",
            expected=f"Python {python}, glibc {image.glibc}, {image.machine}",
            found=", ".join(by_file) or "none with a SHA-256",
            fix="correct the image's profile, or `images`",
        )
    return Pin(file, by_file[file])


def _file(wheel: Mapping[str, Any]) -> str:
    """A wheel's file name, see https://packaging.python.org/en/latest/specifications/pylock-toml ."""
    return str(wheel.get("name") or unquote(wheel.get("url") or wheel["path"]).rsplit("/", 1)[-1])
