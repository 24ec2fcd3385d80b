"""The datasets of a bundle, as they are uploaded and as they must come out on Kaggle."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foldship.kaggle_client import datasets
from foldship_kernel import manifest
from foldship_kernel.errors import FoldshipError

MOMENT = (1980, 1, 1, 0, 0, 0)  # the first that a zip archive can hold
# An upload is resumed only if the file looks the same, its time included.
EPOCH = 315532800


@dataclass(frozen=True)
class File:
    """Bytes and SHA-256 in hex of one file."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Part:
    """One dataset.

    Attributes:
        folder: as the bundle step left it.
        metadata: content of its `dataset-metadata.json`.
        files: what must be on Kaggle afterwards, by path.
    """

    folder: Path
    metadata: Mapping[str, Any]
    files: Mapping[str, File]

    @property
    def ref(self) -> str:
        """owner/slug."""
        return str(self.metadata["id"])

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(file.size for file in self.files.values())


def read(folders: Sequence[Path]) -> tuple[Part, ...]:
    """Hash what lies in the folders.

    Raises:
        FoldshipError: a folder is no dataset, or does not hold what `bundle.json` says.
    """
    contents = manifest.load(folders[0] / manifest.FILE_NAME)
    sealed = {entry.path: File(entry.size, entry.sha256) for entry in contents.files}
    parts = []
    for folder in folders:
        metadata = datasets.read_metadata(folder)
        files = {
            path.relative_to(folder).as_posix(): File(path.stat().st_size, manifest.sha256(path))
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name != datasets.METADATA
        }
        wrong = [name for name, file in files.items() if sealed.get(name, file) != file]
        if wrong:
            raise FoldshipError(
                f"{folder}: changed since it was bundled",
                expected=f"what {manifest.FILE_NAME} says",
                found=", ".join(wrong),
                fix="run `make bundle` again",
            )
        parts.append(Part(folder, metadata, files))
    there = {name for part in parts for name in part.files}
    lacking = sorted(name for name in sealed if name not in there and name != datasets.METADATA)
    if lacking:
        raise FoldshipError(
            f"{folders[0]}: files are missing", found=", ".join(lacking), fix="run `make bundle` again"
        )
    return tuple(parts)


def stage(part: Part, out: Path) -> Path:
    """Lay out a part for the upload: its own files, and an archive for each folder, which Kaggle unpacks.

    The archives hold the files uncompressed and are the same for the same files, times included, so that an
    upload that broke off can be resumed. The client knows a file by its path, size and time: so the folder is
    named after the content, or another build could be taken for the rest of this one. What is there already
    is kept.

    Returns:
        The folder to upload.
    """
    content = json.dumps({name: file.sha256 for name, file in sorted(part.files.items())})
    folder = out / hashlib.sha256(content.encode()).hexdigest()[:16]
    whole = folder.with_suffix(".json")
    if whole.is_file() and whole.read_text(encoding="utf-8") == content:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in sorted(part.files):
        top, _, below = name.partition("/")
        if not below:
            shutil.copyfile(part.folder / name, folder / name)
            continue
        with zipfile.ZipFile(folder / f"{top}.zip", "a") as archive:
            entry = zipfile.ZipInfo(below, MOMENT)
            entry.external_attr = 0o644 << 16
            entry.file_size = part.files[name].size
            with (part.folder / name).open("rb") as source, archive.open(entry, "w") as stream:
                shutil.copyfileobj(source, stream, 1 << 20)
    for path in folder.iterdir():
        os.utime(path, (EPOCH, EPOCH))
    whole.write_text(content, encoding="utf-8")  # last: what lacks it is made anew
    return folder
