"""How passages are chosen for a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

RETRIEVED = "retrieved"  # the column that the passages stand in, one a line, the best first


@dataclass(frozen=True)
class RetrievalSpec:
    """What is asked, and what counts.

    Attributes:
        query: template of the question, columns in braces.
        documents: column with a row's own documents, one a line; "" where there is none.
        own: whether passages of these may be chosen for it. Not, where rows are to be read as those whose
            documents nobody could fetch ashore.
        passages: most that are chosen.
        dense: share of the search by meaning in the order, from 0 to 1; the rest is that by words.
    """

    query: str
    documents: str = ""
    own: bool = False
    passages: int = 3
    dense: float = 0.5

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> RetrievalSpec:
        """What `dataclasses.asdict` made, read back from JSON."""
        return cls(**value)
