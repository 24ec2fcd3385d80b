"""Every file of the bundle, in all its parts, is as its manifest says, and no other file is there."""

from __future__ import annotations

from foldship import strangers
from foldship.rehearsal.evidence import Evidence, Finding
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
    for path in strangers.unlisted(bundle, files, folders):
        wrong[path.relative_to(run.dataset.parent).as_posix()] = "not in the manifest"
    if wrong:
        named = "; ".join(f"{path}: {what}" for path, what in list(wrong.items())[:SHOWN])
        return Finding(NAME, False, f"{len(wrong)} files differ ({named})", REMEDY)
    size = sum(entry.size for entry in bundle.files)
    return Finding(NAME, True, f"{len(bundle.files)} files, {size:,} bytes, all as in the manifest")
