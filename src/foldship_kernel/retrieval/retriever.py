"""Rows with the passages that were found for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foldship_kernel.errors import BundleError
from foldship_kernel.records import SEPARATOR
from foldship_kernel.retrieval.index import Index
from foldship_kernel.retrieval.spec import RETRIEVED, RetrievalSpec
from foldship_kernel.tasks.texts import fill
from foldship_kernel.text import normalise_all

LONGEST = 2  # times the time for meanings, for all
_TOGETHER = 64  # questions whose likeness to all passages is in memory at once


@dataclass
class Retriever:
    """Looks up passages for rows, piece by piece.

    What cannot be asked by meaning, because the encoder fails or its time is up, is asked by words; when
    that takes as long again, the rest goes without passages.

    Args:
        index: where to look.
        spec: what to ask.
        say: told in a line what went wrong.
        most_s: seconds that questions may be read for their meaning; twice as many for all.
        clock: tells the time in seconds.
        progress: called with the number of questions that were read for their meaning.

    Attributes:
        rows, by_meaning: how many rows have been looked up, and how many of them by their meaning, too.
        late: how many have not, for want of time.
        spent_s: seconds that took.
    """

    index: Index
    spec: RetrievalSpec
    say: Callable[[str], None]
    most_s: float = float("inf")
    clock: Callable[[], float] = time.monotonic
    progress: Callable[[int], None] = lambda questions: None
    rows: int = field(default=0, init=False)
    by_meaning: int = field(default=0, init=False)
    late: int = field(default=0, init=False)
    spent_s: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._embed = None
        if self.spec.dense > 0:
            try:
                self._embed = self.index.embedder()
            except BundleError as error:
                self.say(f"{error}; by words only")

    def add(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows with the column `RETRIEVED`: the passages, one a line, or None where nothing fits."""
        began = self.clock()
        questions = normalise_all(fill(self.spec.query, rows))
        own: list[tuple[str, ...]] = [()] * len(rows)
        if self.spec.documents and not self.spec.own:
            own = [
                tuple(value.split(SEPARATOR)) if isinstance(value, str) else ()
                for value in rows[self.spec.documents]
            ]
        cells: list[str | None] = []
        for question, near, documents in zip(questions, self._nearness(questions, began), own, strict=True):
            if self.spent_s + self.clock() - began >= LONGEST * self.most_s:
                break
            self.by_meaning += near is not None
            found = self.index.search(
                question, near, most=self.spec.passages, dense=self.spec.dense, without=documents
            )
            cells.append(SEPARATOR.join(passage.text for passage in found) or None)
        self.rows += len(cells)
        self.late += len(rows) - len(cells)
        cells += [None] * (len(rows) - len(cells))
        self.spent_s += self.clock() - began
        return rows.assign(**{RETRIEVED: pd.Series(cells, index=rows.index, dtype=object)})

    def _nearness(self, questions: list[str], began: float) -> Iterator[NDArray[np.float32] | None]:
        """For each question its cosine with every passage; None where it is to be sought by words alone."""
        vectors = self._vectors(questions, began)
        for start in range(0, len(questions), _TOGETHER):
            part = vectors[start : start + _TOGETHER]
            near = self.index.nearness(part) if part.any() else part
            for vector, row in zip(part, near, strict=True):
                yield row if vector.any() else None

    def _vectors(self, questions: list[str], began: float) -> NDArray[np.float32]:
        """(questions, width) float32; zeros for those that could not be read."""
        nothing = np.zeros((len(questions), 1), dtype=np.float32)
        if self._embed is None:
            return nothing
        try:
            return self._embed(
                questions, self.progress, lambda: self.spent_s + self.clock() - began < self.most_s
            )
        except Exception as error:  # whatever a native runtime raises: words still find something
            self.say(f"questions cannot be read for their meaning: {error!r}; by words only")
            self._embed = None
            return nothing
