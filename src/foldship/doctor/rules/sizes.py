"""Kaggle has room for it, and so has this disk."""

from __future__ import annotations

import shutil
from pathlib import Path

from foldship.doctor.evidence import Evidence
from foldship.doctor.finding import Finding, Tally

NAME = "sizes"
GIB = 1 << 30
CODE_LIMIT = 1_000_000  # bytes of a script
# Of all private datasets of a user together, under Technical Specifications in
# https://www.kaggle.com/docs/datasets. How much of it is used, Kaggle's API does not tell.
PRIVATE_LIMIT = 200 * 10**9


def check(push: Evidence) -> Finding:
    tally = Tally(NAME)
    for ref, size in zip(push.refs, push.sizes, strict=True):
        if size > push.dataset_limit:
            tally.fail(
                f"dataset {ref} has {size / GIB:.2f} GiB of {push.dataset_limit / GIB:.2f} GiB",
                "run `make bundle` again: it divides by dataset_limit_gib in kernel.yaml",
            )
    total = sum(push.sizes)
    if total > PRIVATE_LIMIT:
        tally.fail(
            f"{total / 10**9:.0f} GB in all, private datasets may have {PRIVATE_LIMIT / 10**9:.0f} GB",
            "ship fewer models",
        )
    code = push.code.stat().st_size if push.code.is_file() else 0
    if code >= CODE_LIMIT:
        tally.fail(f"{push.code.name} has {code:,} bytes of {CODE_LIMIT:,}", "move data into the dataset")
    _disk(tally, push.root, max(push.sizes))
    tally.well(f"datasets: {len(push.refs)}, {total / GIB:.2f} GiB; {push.code.name}: {code:,} bytes")
    return tally.finding()


def _disk(tally: Tally, folder: Path, largest: int) -> None:
    """A dataset is packed for its upload, and fetched back to compare it; then both are deleted."""
    free = shutil.disk_usage(folder).free
    seen = f"{free / GIB:.2f} GiB are free in {folder}, packing a dataset takes {largest / GIB:.2f} GiB"
    if free < largest:
        tally.fail(seen, "free space on the disk")
    elif free < 2 * largest:
        tally.warn(f"{seen}, fetching it back as much again", "free space, or `make push COMPARE=sizes`")
