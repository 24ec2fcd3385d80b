"""Rows as the Trainer sees them: batches in which every distinct sequence stands once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, Sampler

from foldship.training.frozen_states import FrozenStates
from foldship_kernel import batching
from foldship_kernel.encode import EncodingSpec
from foldship_kernel.encoded import EncodedRows

Noise = Callable[[EncodedRows, Sequence[int]], EncodedRows]

MEGABATCH = 50  # batches sorted by length together
PART = 1024  # tokens that a CPU encodes at once


@dataclass(frozen=True)
class RowData:
    """Everything training needs of some rows.

    Attributes:
        encoded: token sequences.
        features: (rows, F) float32.
        targets: (rows, C) float32, as the loss wants them.
        groups: (rows,) int64, equal for rows of one group.
        weights: (rows,) float32, of each row in the loss; None where all weigh the same.
    """

    encoded: EncodedRows
    features: NDArray[np.float32]
    targets: NDArray[np.float32]
    groups: NDArray[np.int64]
    weights: NDArray[np.float32] | None = None

    def take(self, rows: NDArray[np.int64]) -> RowData:
        return RowData(
            self.encoded.take(rows),
            self.features[rows],
            self.targets[rows],
            self.groups[rows],
            None if self.weights is None else self.weights[rows],
        )

    def plus(self, other: RowData) -> RowData:
        """These rows, then the other's."""
        return RowData(
            self.encoded.plus(other.encoded),
            np.concatenate([self.features, other.features]),
            np.concatenate([self.targets, other.targets]),
            np.concatenate([self.groups, other.groups]),
            None if self.weights is other.weights is None else np.concatenate([self.given, other.given]),
        )

    @property
    def given(self) -> NDArray[np.float32]:
        """Weights of the rows, 1 where none are set."""
        return np.ones(len(self.features), np.float32) if self.weights is None else self.weights


class RowDataset(Dataset[int]):
    """Row numbers; the collator knows what lies behind them."""

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, row: int) -> int:
        return row


class Collator:
    """Row numbers to what `RowModel.forward` takes, plus `labels` and the rows' `weights` if any.

    The sequences of a batch are encoded in parts of like length: less padding, and states that stay in a
    processor's cache.

    Args:
        data: the rows.
        spec: padding and segment ids.
        vectors: (sequences, width) pooled vectors; when given, they take the tokens' place.
        noise: changes the sequences of some rows.
        states: of lower layers, for the sequences of `data`; when given, they take the tokens' place.
        part: most tokens, with padding, that are encoded at once; None encodes all of a batch at once.
    """

    def __init__(
        self,
        data: RowData,
        spec: EncodingSpec,
        vectors: NDArray[np.float32] | None = None,
        noise: Noise | None = None,
        states: FrozenStates | None = None,
        part: int | None = None,
    ) -> None:
        self._data, self._spec, self._vectors, self._noise = data, spec, vectors, noise
        self._states, self._part = states, part

    def __call__(self, rows: Sequence[int]) -> dict[str, Any]:
        data = self._data
        chosen = np.asarray(rows, dtype=np.int64)
        index = data.encoded.index[data.encoded.places(chosen)]
        used, inverse = np.unique(index, return_inverse=True)
        # Labels come first: the Trainer reads the batch size off the first tensor.
        batch: dict[str, NDArray[Any]] = {
            "labels": data.targets[chosen],
            "features": data.features[chosen],
            "index": inverse.reshape(index.shape),
        }
        if data.encoded.owner is not None:
            batch["readings"] = data.encoded.readings[chosen]
        if data.weights is not None:
            batch["weights"] = data.weights[chosen]
        if self._vectors is not None:
            batch["pooled"] = self._vectors[used]
            return _tensors(batch)
        encoded, sequences = data.encoded, used
        if self._noise is not None:
            encoded = self._noise(encoded.take(chosen), rows)  # which holds the sequences `used`, in order
            sequences = np.arange(len(used))
        lengths = encoded.lengths[sequences]
        parts = list(batching.plan(lengths, self._part or len(used) * int(lengths.max(initial=1))))
        batch["index"] = np.argsort(np.concatenate(parts))[batch["index"]]  # they come part after part
        return {**_tensors(batch), "parts": [self._inputs(encoded, sequences[part]) for part in parts]}

    def _inputs(self, encoded: EncodedRows, sequences: NDArray[np.int64]) -> dict[str, Any]:
        if self._states is not None:
            inputs = self._states.pad(sequences, encoded.lengths[sequences])
            if self._spec.spans:
                inputs["spans"] = batching.pad_spans(encoded, sequences)
            return _tensors(inputs)
        return _tensors(batching.pad(encoded, sequences, self._spec))


def _tensors(values: Mapping[str, Any]) -> dict[str, Any]:
    """Arrays as tensors, all else as it is."""
    return {
        name: torch.from_numpy(value) if isinstance(value, np.ndarray) else value
        for name, value in values.items()
    }


class GroupedLengthSampler(Sampler[int]):
    """Shuffled rows in batches of like length, rows of a group side by side.

    A group's shared sequences (one question under several answers) are then encoded once a batch. The order
    depends on the seed and the epoch alone, so a resumed run goes on where it stopped.

    Attributes:
        seed: as given.
        epoch: the present one.
    """

    def __init__(self, data: RowData, batch_size: int, seed: int) -> None:
        self._lengths = data.encoded.row_lengths().max(axis=1)
        order = np.argsort(data.groups, kind="stable")
        cuts = np.flatnonzero(np.diff(data.groups[order])) + 1
        self._groups = np.split(order, cuts)
        self._batch_size = batch_size
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the data loader at the start of every epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        random = np.random.default_rng((self.seed, self.epoch))
        groups = [self._groups[i] for i in random.permutation(len(self._groups))]
        rows = np.concatenate(groups)
        ends = np.cumsum([len(group) for group in groups])
        size = self._batch_size * MEGABATCH
        batches: list[NDArray[np.int64]] = []
        start = 0
        for number in range(int(np.ceil(len(rows) / size))):
            stop = int(np.searchsorted(ends, (number + 1) * size, side="left")) + 1
            part = sorted(groups[start:stop], key=lambda group: -int(self._lengths[group].max()))
            start = max(start, stop)
            if part:
                joined = np.concatenate(part)
                batches += [
                    joined[at : at + self._batch_size] for at in range(0, len(joined), self._batch_size)
                ]
        # The longest batch goes first, so that one that does not fit in memory shows at once; a short batch
        # goes last, so that all others stay whole.
        full = [batch for batch in batches if len(batch) == self._batch_size]
        rest = [batch for batch in batches if len(batch) < self._batch_size]
        if full:
            longest = int(np.argmax([self._lengths[batch].max() for batch in full]))
            first = full.pop(longest)
            full = [first, *(full[i] for i in random.permutation(len(full)))]
        return iter(np.concatenate([*full, *rest]).tolist())
