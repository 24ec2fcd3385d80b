"""Files in a bundle's folders that the bundle does not vouch for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from foldship_kernel import manifest, parts
from foldship_kernel.integrity import UPLOAD_ONLY
from foldship_kernel.manifest import Manifest


def unlisted(bundle: Manifest, files: parts.Files, folders: Iterable[Path]) -> Iterator[Path]:
    """Files that the manifest does not name, by folder and name.

    The manifest itself, what a further part is known by, and what describes a dataset to Kaggle belong there.

    Args:
        bundle: the manifest.
        files: where its files are.
        folders: to search: all parts that are there.
    """
    known = {files.path(entry.path) for entry in bundle.files} | {files.root / manifest.FILE_NAME}
    for folder in folders:
        labels = {folder / UPLOAD_ONLY, *([folder / parts.FILE_NAME] if folder != files.root else [])}
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path not in known | labels:
                yield path
