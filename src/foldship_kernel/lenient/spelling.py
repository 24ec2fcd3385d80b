"""Ids and names that are spelt otherwise in another file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation

_AROUND = " \t\r\n\"'\ufeff\u200b\u00a0"
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d{1,3})?|[+-]?\.\d+")
_MISSING = {"", "nan", "na", "n/a", "null", "none", "<na>"}
UNREADABLE = "\ufffd"


def plain(value: str) -> str:
    """Without white space and quotes around it, in Unicode's composed compatibility form."""
    bare = value.strip(_AROUND)
    return bare if bare.isascii() else unicodedata.normalize("NFKC", bare)


def caseless(value: str) -> str:
    """`plain`, in small letters; what pandas takes as missing is empty."""
    small = plain(value).casefold()
    return "" if small in _MISSING else small


def number(value: str) -> str:
    """A number's shortest form: of `1`, `1.0` and `01` the same; `caseless` of anything else."""
    bare = plain(value)
    if _NUMBER.fullmatch(bare):
        try:
            return format(Decimal(bare).normalize() + 0, "f")
        except InvalidOperation:
            pass
    return caseless(value)


# From the strictest to the loosest.
FORMS: tuple[Callable[[str], str], ...] = (plain, caseless, number)


def name(value: str) -> str:
    """What spellings of a column's name have in common."""
    return re.sub(r"[\W_]+", "", caseless(value.removeprefix("ï»¿")))


def places(header: Sequence[str], wanted: Sequence[str]) -> dict[str, int]:
    """Where wanted columns stand in a header: by name, else by a spelling that fits one column alone."""
    found = {column: header.index(column) for column in wanted if column in header}
    spelt = [name(column) for column in header]
    for column in wanted:
        if column not in found and spelt.count(name(column)) == 1 and name(column):
            place = spelt.index(name(column))
            if place not in found.values():
                found[column] = place
    return found
