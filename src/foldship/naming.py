"""Kaggle's rules for the names of kernels and datasets."""

from __future__ import annotations

import re

SHORTEST, LONGEST = 6, 50
# Stands where the user name must go, as in the files that Kaggle's client makes.
UNKNOWN_OWNER = "INSERT_USERNAME"


def slug(title: str) -> str:
    """The name that Kaggle makes of a title: lower case, all else than letters and digits to hyphens.

    Raises:
        ValueError: title or slug is shorter than 6 or longer than 50 characters.
    """
    name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    for what, text in (("title", title), ("slug", name)):
        if not SHORTEST <= len(text) <= LONGEST:
            raise ValueError(
                f"{what} {text!r} has {len(text)} characters; Kaggle takes {SHORTEST} to {LONGEST}"
            )
    return name
