"""The kernel is pushed without internet: with it, the competition refuses the submission."""

from __future__ import annotations

from foldship.rehearsal.evidence import Evidence, Finding
from foldship.rehearsal.room import KERNEL_METADATA, read_metadata

NAME = "internet off"


def check(run: Evidence) -> Finding:
    metadata = read_metadata(run.kernel / KERNEL_METADATA)
    if "enable_internet" not in metadata:
        seen = "enable_internet is not there, and Kaggle's default is true"
    elif metadata["enable_internet"] is not False:
        seen = f"enable_internet is {metadata['enable_internet']!r}"
    else:
        return Finding(NAME, True, "enable_internet is false")
    return Finding(NAME, False, seen, f'write "enable_internet": false into {KERNEL_METADATA}')
