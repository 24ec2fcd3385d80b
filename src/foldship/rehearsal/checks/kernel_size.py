"""The kernel's code fits what Kaggle takes."""

from __future__ import annotations

from foldship.rehearsal.evidence import Evidence, Finding

NAME = "kernel size"
LIMIT = 1_000_000  # bytes, Kaggle's limit for a script


def check(run: Evidence) -> Finding:
    size = sum(path.stat().st_size for path in run.kernel.rglob("*") if path.is_file())
    if size >= LIMIT:
        return Finding(
            NAME, False, f"{size:,} bytes of {LIMIT:,}", "move data out of main.py into the dataset"
        )
    return Finding(NAME, True, f"{size:,} bytes of {LIMIT:,}")
