"""Kaggle's rules for the names of kernels, datasets, competitions and users."""

from __future__ import annotations

import re

from slugify import slugify

SHORTEST, LONGEST = 6, 50
# Stands where the user name must go, as in the files that Kaggle's client makes.
UNKNOWN_OWNER = "INSERT_USERNAME"
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
# An address, or the end of one, perhaps with a version.
_REF = re.compile(
    r"^(?:(?:https?://)?(?:www\.)?kaggle\.com)?/?(?:(?:code|datasets|kernels)/)?([\w-]+)/([\w-]+)"
    r"(?:/(?:versions?/)?v?\d+)?/?$"
)
_OWNER = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,{LONGEST - 1}}}")


def slug(title: str) -> str:
    """The name that Kaggle makes of a title, by the very function that its client compares it with.

    Letters of any script are written in ASCII: `Köln` gives `koln`.

    Raises:
        ValueError: title or slug is shorter than 6 or longer than 50 characters.
    """
    name = slugify(title)
    bounds = f"characters; Kaggle takes {SHORTEST} to {LONGEST}"
    if not SHORTEST <= len(title) <= LONGEST:
        raise ValueError(f"title {title!r} has {len(title)} {bounds}")
    if not SHORTEST <= len(name) <= LONGEST:
        raise ValueError(f"Kaggle makes the name {name!r} of title {title!r}: {len(name)} {bounds}")
    return name


def ref_of(address: str) -> str:
    """Owner and slug of what Kaggle calls something by, such as "/code/owner/slug"; "" of nothing."""
    found = _REF.search(address.split("?")[0])
    return f"{found[1]}/{found[2]}" if found else ""


def same(ref: str, other: str) -> bool:
    """Whether two owners, slugs or both are one to Kaggle, which does not look at capitals."""
    return ref.lower() == other.lower()


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
