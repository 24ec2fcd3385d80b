"""Every file of the bundle is as its manifest says, and no other file is there."""

from __future__ import annotations

from foldship.rehearsal.evidence import Evidence, Finding
from foldship.rehearsal.room import DATASET_METADATA
from foldship_kernel import manifest
from foldship_kernel.errors import BundleError

NAME = "dataset whole"
SHOWN = 5
REMEDY = "build it again with `make bundle`"


def check(run: Evidence) -> Finding:
    try:
        bundle = manifest.load(run.dataset / manifest.FILE_NAME)
    except BundleError as error:
        return Finding(NAME, False, f"{error.what}: {error.found}", REMEDY)
    wrong = manifest.damage(bundle, run.dataset)
    known = {entry.path for entry in bundle.files} | {manifest.FILE_NAME, DATASET_METADATA}
    for path in sorted(run.dataset.rglob("*")):
        name = path.relative_to(run.dataset).as_posix()
        if path.is_file() and name not in known:
            wrong[name] = "not in the manifest"
    if wrong:
        named = "; ".join(f"{path}: {what}" for path, what in list(wrong.items())[:SHOWN])
        return Finding(NAME, False, f"{len(wrong)} files differ ({named})", REMEDY)
    size = sum(entry.size for entry in bundle.files)
    return Finding(NAME, True, f"{len(bundle.files)} files, {size:,} bytes, all as in the manifest")
