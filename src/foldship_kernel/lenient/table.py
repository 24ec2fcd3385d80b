"""What the lenient reading of any kind of table gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from foldship_kernel.mended import Mending


@dataclass(frozen=True)
class Row:
    """One row: a cell for each column, None or "" where it is empty, and where it stands in the file."""

    cells: Sequence[str | None]
    where: str


class Table(Protocol):
    """A table that is read from its beginning as often as wanted.

    Attributes:
        columns: names of the columns, "" for those without one.
        written: how the file writes those names that it writes otherwise.
        place: of the id among them; None where no column has ids.
    """

    @property
    def columns(self) -> Sequence[str]: ...

    @property
    def written(self) -> Mapping[str, str]: ...

    @property
    def place(self) -> int | None: ...

    def rows(self, notes: Mending) -> Iterator[Row]:
        """Yield all rows; `notes` is told what was mended."""
