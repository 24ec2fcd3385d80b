"""Ways of shutting a kernel in, the preferred first."""

from __future__ import annotations

from foldship.rehearsal.mechanisms.bare import Bare
from foldship.rehearsal.mechanisms.base import Mechanism
from foldship.rehearsal.mechanisms.bubblewrap import Bubblewrap
from foldship.rehearsal.mechanisms.docker import Docker
from foldship.rehearsal.mechanisms.unshare import Unshare
from foldship_kernel.errors import FoldshipError

AUTO = "auto"
ISOLATING: tuple[Mechanism, ...] = (Bubblewrap(), Unshare(), Unshare(user_namespace=False), Docker())
NONE: Mechanism = Bare()
ALL = (*ISOLATING, NONE)


def chosen(name: str) -> tuple[Mechanism, ...]:
    """The mechanisms to try for a name, or for "auto"; "none" is only had by asking for it.

    Raises:
        FoldshipError: there is no such mechanism.
    """
    if name == AUTO:
        return ISOLATING
    for mechanism in ALL:
        if mechanism.name == name:
            return (mechanism,)
    names = ", ".join(mechanism.name for mechanism in ALL)
    raise FoldshipError(
        f"unknown isolation '{name}'", expected=f"auto, or one of {names}", fix="leave it out for auto"
    )
