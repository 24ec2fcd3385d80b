"""Every file of the bundle, in all its parts, is as its manifest says, and no other file is there."""

from __future__ import annotations

from foldship.rehearsal.evidence import Evidence, Finding
from foldship.rehearsal.room import DATASET_METADATA
from foldship_kernel import manifest, parts
from foldship_kernel.errors import BundleError

NAME = "dataset whole"
SHOWN = 5
REMEDY = "build it again with `make bundle`"


def check(run: Evidence) -> Finding:
    try:
        bundle = manifest.load(run.dataset / manifest.FILE_NAME)
    except BundleError as error:
        return Finding(NAME, False, f"{error.what}: {error.found}", REMEDY)
    folders = parts.built(run.dataset)
    files = parts.gather(bundle.parts, run.dataset, folders)
    wrong = manifest.damage(bundle, files)
    known = {files.path(entry.path) for entry in bundle.files} | {run.dataset / manifest.FILE_NAME}
    for folder in folders:
        labels = {folder / DATASET_METADATA, *([folder / parts.FILE_NAME] if folder != run.dataset else [])}
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path not in known | labels:
                wrong[path.relative_to(run.dataset.parent).as_posix()] = "not in the manifest"
    if wrong:
        named = "; ".join(f"{path}: {what}" for path, what in list(wrong.items())[:SHOWN])
        return Finding(NAME, False, f"{len(wrong)} files differ ({named})", REMEDY)
    size = sum(entry.size for entry in bundle.files)
    return Finding(NAME, True, f"{len(bundle.files)} files, {size:,} bytes, all as in the manifest")
