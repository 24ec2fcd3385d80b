"""Kaggle's rules for the names of kernels, datasets, competitions and users."""

from __future__ import annotations

import re

SHORTEST, LONGEST = 6, 50
# Stands where the user name must go, as in the files that Kaggle's client makes.
UNKNOWN_OWNER = "INSERT_USERNAME"
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_OWNER = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,{LONGEST - 1}}}")


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


def part_title(title: str, part: int) -> str:
    """The title of a part of a bundle that lies in several datasets; that of the first is `title` itself.

    Raises:
        ValueError: title or slug is too long with the part's number.
    """
    whole = title if part == 1 else f"{title} {part}"
    slug(whole)
    return whole


def check_slug(name: str) -> str:
    """`name`, if it is what stands in a Kaggle address: lower-case letters, digits, single hyphens.

    Raises:
        ValueError: it is not.
    """
    if not _SLUG.fullmatch(name):
        raise ValueError(
            f"{name!r} is no name as in a Kaggle address: lower-case letters and digits, hyphens between"
        )
    return name


def check_owner(name: str) -> str:
    """`name`, if it can be a user's or an organisation's on Kaggle, as in the address of its page.

    Raises:
        ValueError: it cannot.
    """
    if not _OWNER.fullmatch(name):
        raise ValueError(
            f"{name!r} is no Kaggle user name: 1 to {LONGEST} letters, digits, hyphens and underscores, as "
            "in the address of the profile"
        )
    return name
