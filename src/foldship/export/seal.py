"""The seal of a finished export: what it was made from, and the SHA-256 of every file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from foldship import receipts
from foldship_kernel import manifest

EXPORT = "export.json"


def write(folder: Path, inputs: str) -> None:
    """Leave a receipt that also lists all files."""
    files = {path.name: manifest.sha256(path) for path in sorted(folder.iterdir())}
    receipts.write(folder, inputs, {receipts.FILES: files})


def intact(folder: Path, inputs: str) -> dict[str, Any] | None:
    """The content of `export.json`, if the export in `folder` is of just these inputs and undamaged."""
    files = receipts.read(folder).get(receipts.FILES, {})
    if not receipts.is_current(folder, inputs) or EXPORT not in files:
        return None
    if any(not _is(folder / name, sha256) for name, sha256 in files.items()):
        return None
    summary: dict[str, Any] = json.loads((folder / EXPORT).read_text(encoding="utf-8"))
    return summary


def _is(path: Path, sha256: str) -> bool:
    return path.is_file() and manifest.sha256(path) == sha256
