"""Columns that are made of a row's own ones, where a competition's files need more than templates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from foldship_kernel.errors import BundleError
from foldship_kernel.tasks import klue_re


@dataclass(frozen=True)
class Derivation:
    """How rows get further columns.

    Attributes:
        read: columns of the file that are read.
        added: columns that are made.
        spans: names of the spans in the texts among them.
        derive: makes them, strictly or as well as can be; see `klue_re.derive`.
    """

    read: tuple[str, ...]
    added: tuple[str, ...]
    spans: tuple[str, ...]
    derive: Callable[..., pd.DataFrame]


DERIVATIONS = {"klue_re": Derivation(klue_re.READ, klue_re.ADDED, klue_re.SPANS, klue_re.derive)}


def get(name: str) -> Derivation:
    """The derivation of this name.

    Raises:
        BundleError: there is none.
    """
    if name not in DERIVATIONS:
        raise BundleError(
            f"there is no derivation {name!r}",
            expected=", ".join(DERIVATIONS),
            fix="name one of these in competition.yaml",
        )
    return DERIVATIONS[name]
