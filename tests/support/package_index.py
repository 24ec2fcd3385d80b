"""A package index of made-up wheels on the disk: installers resolve and fetch from it without a network."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest


def wheel(
    folder: Path,
    file: str,
    *,
    requires: Iterable[str] = (),
    requires_python: str | None = None,
    **modules: str,
) -> Path:
    """Write a small but whole wheel; returns its path.

    Args:
        folder: to write into.
        file: its name.
        requires: what it says that it needs.
        requires_python: versions of Python that it says it runs on.
        modules: source by name of a package in it.
    """
    name, version = file.split("-")[:2]
    lines = ["Metadata-Version: 2.1", f"Name: {name.replace('_', '-')}", f"Version: {version}"]
    lines += [f"Requires-Dist: {need}" for need in requires]
    lines += [f"Requires-Python: {requires_python}"] if requires_python else []
    tags = "-".join(file.removesuffix(".whl").split("-")[-3:])
    info = f"{name}-{version}.dist-info"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / file, "w") as archive:
        archive.writestr(f"{info}/METADATA", "\n".join(lines) + "\n")
        archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tags}\n")
        archive.writestr(f"{info}/RECORD", "")
        for module, source in modules.items():
            archive.writestr(f"{module}/__init__.py", source)
    return folder / file


def serve(wheels: Iterable[Path], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lay wheels out as an index in `folder`, and let uv and pip know of this one only."""
    links: dict[str, list[str]] = {}
    for path in wheels:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        project = path.name.split("-")[0].replace("_", "-").lower()
        links.setdefault(project, []).append(
            f'<a href="{path.resolve().as_uri()}#sha256={digest}">{path.name}</a>'
        )
    for project, anchors in links.items():
        (folder / project).mkdir(parents=True, exist_ok=True)
        (folder / project / "index.html").write_text("<!DOCTYPE html><html><body>" + "\n".join(anchors))
    index = folder.resolve().as_uri()
    for name, value in {
        "UV_DEFAULT_INDEX": index,
        "UV_INDEX": "",
        "UV_FIND_LINKS": "",
        "UV_CACHE_DIR": str(folder / ".uv"),
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_INDEX_URL": index,
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
    }.items():
        monkeypatch.setenv(name, value)
