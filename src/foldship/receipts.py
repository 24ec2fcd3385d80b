"""A receipt beside a stage's output says what it was made from, so that unchanged work is not done again."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import foldship
import foldship_kernel
from foldship_kernel import manifest
from foldship_kernel.atomic import write_json

FILE_NAME = "receipt.json"
FILES = "files"  # entry of a sealed output's receipt: SHA-256 in hex by file name
MADE_WITH = ("code", "versions", "device", "threads")  # of a trained fold's receipt
REPORTED = (
    "torch",
    "transformers",
    "peft",
    "optimum",
    "onnx",
    "onnxruntime",
    "tokenizers",
    "numpy",
    "pandas",
)


def digest(value: Any) -> str:
    """SHA-256 in hex of a JSON-like value; key order does not matter."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def digest_files(*paths: Path) -> dict[str, str]:
    """SHA-256 of each file, and of each file below a folder, by path from the folder's or file's name on.

    Python's own cache files do not count.
    """
    result = {}
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and file.suffix != ".pyc":
                result[file.relative_to(path.parent).as_posix()] = manifest.sha256(file)
    return result


def digest_source(function: Callable[..., Any]) -> str:
    """SHA-256 in hex of a function's name, or of an object's settings, and of the package that it is in."""
    name = getattr(function, "__qualname__", None) or repr(function)
    path = inspect.getsourcefile(function if inspect.isroutine(function) else type(function))
    return digest([function.__module__, name, digest_files(Path(path).parent) if path else {}])


def versions() -> dict[str, str]:
    """Versions of the packages that results depend on."""
    return {name: metadata.version(name) for name in REPORTED}


def code() -> dict[str, str]:
    """SHA-256 of the program's files, by path."""
    packages = (Path(package.__file__ or "").parent for package in (foldship, foldship_kernel))
    files = digest_files(*packages)
    return {path: sha256 for path, sha256 in files.items() if path.endswith(".py")}


def write(folder: Path, inputs: str, details: Mapping[str, Any], name: str = FILE_NAME) -> None:
    """Leave a receipt: the digest of all inputs, versions, and whatever else is worth keeping."""
    write_json(folder / name, {"inputs": inputs, "versions": versions(), **details})


def read(folder: Path, name: str = FILE_NAME) -> dict[str, Any]:
    """The receipt in `folder`; empty when there is none that can be read."""
    try:
        value = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def is_current(folder: Path, inputs: str, name: str = FILE_NAME) -> bool:
    """Whether `folder` holds the finished result of just these inputs."""
    return read(folder, name).get("inputs") == inputs
