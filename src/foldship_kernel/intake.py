"""What all models need of the rows, taken in one pass over them, however many there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tokenizers import Tokenizer

from foldship_kernel import features
from foldship_kernel.encode import EncodedRows, EncodingSpec, distinct, join
from foldship_kernel.features import FeatureSpec
from foldship_kernel.rows import Rows
from foldship_kernel.tasks.base import Task
from foldship_kernel.tokens import TokenStore

Texts = Mapping[str, list[str]]


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


class Intake:
    """Tokens and features of all rows; the texts themselves are not kept.

    A text is normalised once, and tokenised once for all models with the same tokenizer. While one piece is
    tokenised (outside of Python, on all cores), the next is read and cleaned.

    Args:
        task: the competition.
        rows: read once, piece by piece.
        readings: of all models.
    """

    def __init__(self, task: Task, rows: Rows, readings: Iterable[Reading]) -> None:
        wanted = list(readings)
        longest: dict[Path, int] = {}
        for reading in wanted:
            longest[reading.tokenizer] = max(longest.get(reading.tokenizer, 0), reading.encoding.longest)
        self._stores = {
            path: TokenStore(Tokenizer.from_file(str(path)), keep) for path, keep in longest.items()
        }
        numbers: dict[Path, dict[str, list[NDArray[np.int64]]]] = {path: {} for path in longest}
        computed: dict[FeatureSpec, list[NDArray[np.float32]]] = {r.features: [] for r in wanted}
        for chunk, texts in _cleaned_ahead(task, rows):
            for path, store in self._stores.items():
                for name in _segments(wanted, path):
                    numbers[path].setdefault(name, []).append(store.add(texts[name]))
            for spec, parts in computed.items():
                parts.append(features.compute(chunk, texts, spec))
        self._numbers = {
            path: {name: np.concatenate(parts) for name, parts in by_name.items()}
            for path, by_name in numbers.items()
        }
        self._features = {spec: np.concatenate(parts) for spec, parts in computed.items()}
        self._count = len(rows.ids)

    def __len__(self) -> int:
        """Number of rows."""
        return self._count

    def index(self, reading: Reading) -> NDArray[np.int64]:
        """(rows, towers) int64: equal numbers for towers of equal texts."""
        columns = []
        first = 0
        for tower in reading.encoding.towers:
            texts, index = distinct(self._numbers[reading.tokenizer], tower)
            columns.append(index + first)
            first += len(texts)
        return np.stack(columns, axis=1)

    def encode(self, reading: Reading, rows: NDArray[np.int64] | slice = slice(None)) -> EncodedRows:
        """Token sequences of some rows."""
        chosen = {name: numbers[rows] for name, numbers in self._numbers[reading.tokenizer].items()}
        return join(self._stores[reading.tokenizer], chosen, reading.encoding)

    def features(self, reading: Reading) -> NDArray[np.float32]:
        """(rows, F) float32."""
        return self._features[reading.features]


def _segments(readings: Iterable[Reading], tokenizer: Path) -> list[str]:
    """Names of the texts that models with this tokenizer read."""
    towers = [t for reading in readings if reading.tokenizer == tokenizer for t in reading.encoding.towers]
    return list(dict.fromkeys(name for tower in towers for name in tower.segments))


def _cleaned_ahead(task: Task, rows: Rows) -> Iterator[tuple[pd.DataFrame, Texts]]:
    """Pieces of the rows and their normalised texts, the next piece being made while one is used."""
    chunks = rows.chunks()

    def clean() -> tuple[pd.DataFrame, Texts] | None:
        chunk = next(chunks, None)
        return None if chunk is None else (chunk, task.texts(chunk))

    with ThreadPoolExecutor(1, thread_name_prefix="read") as reader:
        ahead = reader.submit(clean)
        while (piece := ahead.result()) is not None:
            ahead = reader.submit(clean)
            yield piece
