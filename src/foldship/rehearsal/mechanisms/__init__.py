"""Ways of shutting a kernel in, the preferred first."""

from __future__ import annotations

from foldship.rehearsal.mechanisms.bare import Bare
from foldship.rehearsal.mechanisms.base import Mechanism
from foldship.rehearsal.mechanisms.bubblewrap import Bubblewrap
from foldship.rehearsal.mechanisms.docker import Docker
from foldship.rehearsal.mechanisms.unshare import Unshare

AUTO = "auto"
ISOLATING: tuple[Mechanism, ...] = (Bubblewrap(), Unshare(), Unshare(user_namespace=False), Docker())
NONE: Mechanism = Bare()
ALL = (*ISOLATING, NONE)


def chosen(name: str) -> tuple[Mechanism, ...]:
    """The mechanisms to try for a name, or for "auto"; "none" is only had by asking for it.

    Raises:
        KeyError: there is no such mechanism.
    """
    if name == AUTO:
        return ISOLATING
    return tuple(mechanism for mechanism in ALL if mechanism.name == name) or _unknown(name)


def _unknown(name: str) -> tuple[Mechanism, ...]:
    raise KeyError(name)
