"""The kernel is a private script without internet, and says so itself: Kaggle's defaults are others."""

from __future__ import annotations

from foldship.doctor.evidence import KERNEL, Evidence
from foldship.doctor.finding import Finding, Tally

NAME = "internet off"
WANTED = {
    "enable_internet": (False, "the competition refuses a submission that could reach the internet"),
    "is_private": (True, "it would be published"),
    "language": ("python", "it would not run"),
    "kernel_type": ("script", "it would not run"),
}


def check(push: Evidence) -> Finding:
    tally = Tally(NAME)
    for key, (wanted, otherwise) in WANTED.items():
        found = push.metadata.get(key)
        if type(found) is not type(wanted) or found != wanted:
            seen = f"{key} is {found!r}" if key in push.metadata else f"{key} is not written out"
            tally.fail(f"{seen}: {otherwise}", f"run `make bundle` again: it writes this into {KERNEL}")
    tally.well("enable_internet is false, is_private is true, both written out")
    return tally.finding()
