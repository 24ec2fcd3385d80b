"""The kernel stays below the memory limit."""

from __future__ import annotations

from foldship.rehearsal.evidence import Evidence, Finding
from foldship.rehearsal.room import GIB

NAME = "memory limit"


def check(run: Evidence) -> Finding:
    seen = f"peak {run.peak_bytes / GIB:.2f} GiB of {run.memory_bytes / GIB:g} GiB"
    if run.memory_exceeded:
        return Finding(
            NAME,
            False,
            f"{seen}: memory ran out and a process was ended",
            "lower the token budget, or ship smaller models; files in /kaggle/working count here too",
        )
    if run.status is None:
        return Finding(NAME, None, "not known: the sandbox broke", "read kernel.log")
    if not run.peak_bytes:
        return Finding(NAME, None, f"what it took of {run.memory_bytes / GIB:g} GiB was not measured")
    return Finding(NAME, True, seen)
