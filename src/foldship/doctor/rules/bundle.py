"""The bundle is there, whole, and the kernel's script is bound to its code."""

from __future__ import annotations

from pathlib import Path

from foldship import strangers
from foldship.digests import bound_to, code_digest
from foldship.doctor.evidence import BUNDLE, DATASET, Evidence
from foldship.doctor.finding import Finding, Level, Tally, UnaskedError
from foldship_kernel import manifest, parts
from foldship_kernel.errors import listed

NAME = BUNDLE
REBUILD = "run `make bundle`"


def check(push: Evidence) -> Finding:
    try:
        bundle, _ = push.bundle, push.dataset_metadata
        script = _script(push.code)
    except UnaskedError as error:
        return Finding(NAME, Level.FAILED, error.reason, REBUILD)
    tally = Tally(NAME)
    files = parts.gather(bundle.parts, push.datasets[0], push.datasets)
    damage = manifest.damage(bundle, files)
    wrong = [f"{path}: {what}" for path, what in damage.items() if path != DATASET]
    if wrong:
        tally.fail(f"{len(wrong)} files are not as bundled: {listed(wrong)}", REBUILD)
    for part, dataset in files.missing.items():
        tally.fail(f"part {part} of the bundle ({dataset}) is not of this build or not there", REBUILD)
    unknown = [
        str(path.relative_to(folder))
        for folder in push.datasets
        for path in strangers.unlisted(bundle, files, [folder])
    ]
    if unknown:
        tally.fail(f"not in {manifest.FILE_NAME}: {listed(unknown)}", f"remove it, or {REBUILD}")
    bound = bound_to(script)
    if bound is None:
        tally.fail(f"{push.code} names no code to look for (CODE_SHA256)", REBUILD)
    elif bound != code_digest(push.datasets[0] / "code"):
        tally.fail(f"{push.code} belongs to other code than the dataset's", REBUILD)
    size = sum(entry.size for entry in bundle.files)
    tally.well(f"{len(bundle.files)} files, {size / 2**20:,.1f} MiB, all whole")
    return tally.finding()


def _script(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UnaskedError(f"{path} cannot be read: {error}", NAME) from error
