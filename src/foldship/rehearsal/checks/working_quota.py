"""What the kernel leaves in its working folder fits there."""

from __future__ import annotations

from foldship.rehearsal.evidence import Evidence, Finding
from foldship.rehearsal.room import GIB

NAME = "working folder"


def check(run: Evidence) -> Finding:
    if run.status is None:
        return Finding(NAME, None, "not known: the sandbox broke", "read kernel.log")
    used, files = int(run.status["working_bytes"]), int(run.status["working_files"])
    seen = f"{used / GIB:.3f} GiB of {run.working_bytes / GIB:g} GiB in {files} files"
    # The last block cannot always be filled, so nearly full is full.
    if used > 0.99 * run.working_bytes:
        return Finding(
            NAME, False, f"full: {seen}", "write what is not needed afterwards to /tmp, or not at all"
        )
    return Finding(NAME, True, seen)
