"""One request on its way through the faults to what answers it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kaggle_site.answers import Answer

if TYPE_CHECKING:
    from kaggle_site.site import Site


@dataclass
class Exchange:
    """A request.

    Attributes:
        site: that it came to.
        method: of the API, or PUT, QUERY (how far is an upload?), GET.
        request: its parameters.
        keep: bytes of an upload to keep; None for all.
        hang_up: whether the connection is closed once that many have come.
    """

    site: Site
    method: str
    request: dict[str, Any]
    keep: int | None = None
    hang_up: bool = False


Proceed = Callable[[], Answer]
Fault = Callable[[Exchange, Proceed], Answer]
