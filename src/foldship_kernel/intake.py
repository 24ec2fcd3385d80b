"""What all models need of the rows, taken in one pass over them, however many there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tokenizers import Tokenizer

from foldship_kernel import features
from foldship_kernel.cleaning import PLAIN, Cleaning, clean_all
from foldship_kernel.encode import EncodingSpec, distinct, join
from foldship_kernel.encoded import EncodedRows
from foldship_kernel.features import FeatureSpec
from foldship_kernel.rows import Rows
from foldship_kernel.tasks import Task
from foldship_kernel.text import Texts
from foldship_kernel.tokens import TokenStore

Source = tuple[Path, Cleaning]  # of tokens


@dataclass(frozen=True)
class Reading:
    """How one model reads rows.

    Attributes:
        tokenizer: path of its `tokenizer.json`.
        encoding, features: what it makes of the texts.
    """

    tokenizer: Path
    encoding: EncodingSpec
    features: FeatureSpec

    @property
    def source(self) -> Source:
        """What its tokens come from; models that have it in common share them."""
        return self.tokenizer, self.encoding.cleaning


class Intake:
    """Tokens and features of all rows; the texts themselves are not kept.

    A text is normalised once, cleaned once for all models that clean alike, and tokenised once for those of
    them with the same tokenizer. While one piece is tokenised (outside of Python, on all cores), the next is
    read and cleaned.

    Args:
        task: the competition.
        rows: read once, piece by piece.
        readings: of all models.

    Attributes:
        groups: (rows,) int64, equal for rows of one group.
    """

    def __init__(self, task: Task, rows: Rows, readings: Iterable[Reading]) -> None:
        wanted = list(readings)
        keep: dict[Source, int] = {}
        for reading in wanted:
            keep[reading.source] = max(keep.get(reading.source, 0), reading.encoding.reach)
        self._stores = {
            source: TokenStore(Tokenizer.from_file(str(source[0])), most, marked=bool(task.spans))
            for source, most in keep.items()
        }
        numbers: dict[Source, dict[str, list[NDArray[np.int64]]]] = {source: {} for source in keep}
        computed: dict[FeatureSpec, list[NDArray[np.float32]]] = {r.features: [] for r in wanted}
        groups: list[str] = []
        for chunk, texts, cleaned in _cleaned_ahead(task, rows, {cleaning for _, cleaning in keep}):
            groups.extend(task.groups(texts.normalised, chunk[task.id]))
            for source, store in self._stores.items():
                for name in _segments(wanted, source):
                    numbers[source].setdefault(name, []).append(store.add(cleaned[source[1]][name]))
            for spec, parts in computed.items():
                parts.append(features.compute(chunk, texts, spec))
        self._numbers = {
            source: {name: np.concatenate(parts) for name, parts in by_name.items()}
            for source, by_name in numbers.items()
        }
        self._features = {spec: np.concatenate(parts) for spec, parts in computed.items()}
        self.groups = np.asarray(pd.factorize(np.array(groups, dtype=object))[0], dtype=np.int64)
        self._count = len(rows.ids)

    def __len__(self) -> int:
        """Number of rows."""
        return self._count

    def index(self, reading: Reading) -> NDArray[np.int64]:
        """(rows, towers) int64: equal numbers for towers of equal texts."""
        columns = []
        first = 0
        for tower in reading.encoding.towers:
            texts, index = distinct(self._numbers[reading.source], tower)
            columns.append(index + first)
            first += len(texts)
        return np.stack(columns, axis=1)

    def encode(self, reading: Reading, rows: NDArray[np.int64] | slice = slice(None)) -> EncodedRows:
        """Token sequences of some rows."""
        chosen = {name: numbers[rows] for name, numbers in self._numbers[reading.source].items()}
        return join(self._stores[reading.source], chosen, reading.encoding)

    def features(self, reading: Reading) -> NDArray[np.float32]:
        """(rows, F) float32."""
        return self._features[reading.features]


def texts_of(task: Task, rows: pd.DataFrame) -> Texts:
    """The texts of some rows."""
    return Texts(task.raw_texts(rows), task.normalised(rows))


def _segments(readings: Iterable[Reading], source: Source) -> list[str]:
    """Names of the texts that models read tokens of from there."""
    towers = [t for reading in readings if reading.source == source for t in reading.encoding.towers]
    return list(dict.fromkeys(name for tower in towers for name in tower.segments))


def _cleaned_ahead(
    task: Task, rows: Rows, cleanings: Iterable[Cleaning]
) -> Iterator[tuple[pd.DataFrame, Texts, dict[Cleaning, Mapping[str, Sequence[str]]]]]:
    """Pieces of the rows, their texts, and these cleaned, the next piece being made while one is used."""
    chunks = rows.chunks()

    def clean() -> tuple[pd.DataFrame, Texts, dict[Cleaning, Mapping[str, Sequence[str]]]] | None:
        chunk = next(chunks, None)
        if chunk is None:
            return None
        texts = texts_of(task, chunk)
        cleaned: dict[Cleaning, Mapping[str, Sequence[str]]] = {PLAIN: texts.normalised}
        for cleaning in cleanings:
            if cleaning not in cleaned:
                cleaned[cleaning] = {name: clean_all(raw, cleaning) for name, raw in texts.raw.items()}
        return chunk, texts, cleaned

    with ThreadPoolExecutor(1, thread_name_prefix="read") as reader:
        ahead = reader.submit(clean)
        while (piece := ahead.result()) is not None:
            ahead = reader.submit(clean)
            yield piece
