"""Tokenised texts to token sequences: towers, segment budgets, head-and-tail truncation.

A row is read by one or more *towers*; each tower is one token sequence made of text *segments* (say title and
body). Equal sequences are kept once, so a question that stands under several answers is encoded once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldship_kernel.tokens import TokenStore


@dataclass(frozen=True)
class TowerSpec:
    """One token sequence per row.

    Attributes:
        segments: names of the texts it joins, in order.
        max_tokens: longest sequence, special tokens included.
        budgets: most tokens of each segment; None shares what is left.
    """

    segments: tuple[str, ...]
    max_tokens: int
    budgets: tuple[int | None, ...]


@dataclass(frozen=True)
class EncodingSpec:
    """How the texts of a row become token sequences.

    Attributes:
        towers: one sequence per row each.
        head_fraction: share of a cut segment's tokens taken from its beginning, the rest from its end.
        prefix_ids, between_ids, suffix_ids: special tokens at the start, between segments, at the end.
        pad_id: token id that fills up a batch (on the right).
        segment_ids: whether token type ids mark the segments after the first.
    """

    towers: tuple[TowerSpec, ...]
    head_fraction: float
    prefix_ids: tuple[int, ...]
    between_ids: tuple[int, ...]
    suffix_ids: tuple[int, ...]
    pad_id: int
    segment_ids: bool

    @property
    def longest(self) -> int:
        """Most tokens of any sequence."""
        return max(tower.max_tokens for tower in self.towers)

    def shortened(self, longest: int) -> EncodingSpec:
        """The same with no sequence longer than `longest` tokens."""
        towers = tuple(replace(tower, max_tokens=min(tower.max_tokens, longest)) for tower in self.towers)
        return replace(self, towers=towers)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> EncodingSpec:
        towers = tuple(
            TowerSpec(tuple(tower["segments"]), tower["max_tokens"], tuple(tower["budgets"]))
            for tower in value["towers"]
        )
        return cls(
            towers=towers,
            head_fraction=value["head_fraction"],
            prefix_ids=tuple(value["prefix_ids"]),
            between_ids=tuple(value["between_ids"]),
            suffix_ids=tuple(value["suffix_ids"]),
            pad_id=value["pad_id"],
            segment_ids=value["segment_ids"],
        )


@dataclass(frozen=True)
class EncodedRows:
    """Token sequences of many rows, each distinct sequence once.

    Attributes:
        tokens: (tokens,) uint16 or int32, the distinct sequences end to end.
        offsets: (sequences + 1,) int64, where each sequence begins, and the end of the last.
        boundaries: (sequences,) int32, where in each sequence its second segment begins.
        index: (rows, towers) int64, which sequence each row's tower reads.
    """

    tokens: NDArray[np.integer[Any]]
    offsets: NDArray[np.int64]
    boundaries: NDArray[np.int32]
    index: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(sequences,) int64, tokens in each distinct sequence."""
        return np.diff(self.offsets)

    def sequence(self, place: int) -> NDArray[np.integer[Any]]:
        """Token ids of one distinct sequence."""
        return self.tokens[self.offsets[place] : self.offsets[place + 1]]

    def take(self, rows: NDArray[np.int64]) -> EncodedRows:
        """The same for some rows only, holding just the sequences that they read."""
        used, inverse = np.unique(self.index[rows], return_inverse=True)
        return self._keep(used, inverse.reshape(len(rows), -1))

    def without_repeats(self) -> EncodedRows:
        """The same with equal sequences joined, in the order of their first appearance."""
        known: dict[bytes, int] = {}
        kept: list[int] = []
        places = np.empty(len(self.boundaries), dtype=np.int64)
        for number, boundary in enumerate(self.boundaries.tolist()):
            key = self.sequence(number).tobytes() + boundary.to_bytes(4, "little")
            place = known.setdefault(key, len(kept))
            if place == len(kept):
                kept.append(number)
            places[number] = place
        return self._keep(np.array(kept, dtype=np.int64), places[self.index])

    def _keep(self, sequences: NDArray[np.int64], index: NDArray[np.int64]) -> EncodedRows:
        lengths = self.lengths[sequences]
        offsets = ends(lengths)
        return EncodedRows(
            tokens=self.tokens[ranges(self.offsets[sequences], lengths)],
            offsets=offsets,
            boundaries=self.boundaries[sequences],
            index=index,
        )


def join(store: TokenStore, rows: Mapping[str, NDArray[np.int64]], spec: EncodingSpec) -> EncodedRows:
    """Join tokenised texts into the sequences of all towers, each distinct one once.

    Args:
        store: holds the texts.
        rows: per segment name, (rows,) number of each row's text in `store`.
        spec: towers, budgets and special tokens.
    """
    parts = []
    first = 0
    for tower in spec.towers:
        texts, index = distinct(rows, tower)
        parts.append((*_join_tower(store, texts, tower, spec), index + first))
        first += len(texts)
    lengths = np.concatenate([part[1] for part in parts])
    joined = EncodedRows(
        tokens=np.concatenate([part[0] for part in parts]),
        offsets=ends(lengths),
        boundaries=np.concatenate([part[2] for part in parts]),
        index=np.stack([part[3] for part in parts], axis=1),
    )
    return joined.without_repeats()


def distinct(
    rows: Mapping[str, NDArray[np.int64]], tower: TowerSpec
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The distinct combinations of texts that rows have for a tower: (combinations, segments), (rows,)."""
    texts = np.stack([rows[name] for name in tower.segments], axis=1)
    combinations, index = np.unique(texts, axis=0, return_inverse=True)
    return combinations, index.reshape(-1)


def _join_tower(
    store: TokenStore, texts: NDArray[np.int64], tower: TowerSpec, spec: EncodingSpec
) -> tuple[NDArray[np.integer[Any]], NDArray[np.int64], NDArray[np.int32]]:
    """Sequences of (sequences, segments) texts: tokens end to end, lengths, boundaries."""
    count, segments = texts.shape
    between = [spec.prefix_ids, *[spec.between_ids] * (segments - 1), spec.suffix_ids]
    granted = share(store.lengths[texts], tower.budgets, tower.max_tokens - sum(map(len, between)))
    head = np.where(granted < store.lengths[texts], np.round(granted * spec.head_fraction), granted)
    head = head.astype(np.int64)
    # Every sequence is a row of pieces: special tokens, a head, a tail, special tokens, a head, a tail ...
    sizes = np.empty((count, 3 * segments + 1), dtype=np.int64)
    sizes[:, 0::3] = [len(ids) for ids in between]
    sizes[:, 1::3], sizes[:, 2::3] = head, granted - head
    places = ends(sizes.reshape(-1))
    starts, total = places[:-1].reshape(sizes.shape), places[-1]
    tokens = np.empty(total, dtype=store.tokens.dtype)
    for number, ids in enumerate(between):
        for offset, token in enumerate(ids):
            tokens[starts[:, 3 * number] + offset] = token
    for column, source in ((1, store.starts[texts]), (2, store.stops[texts] - sizes[:, 2::3])):
        target = ranges(starts[:, column::3].reshape(-1), sizes[:, column::3].reshape(-1))
        tokens[target] = store.tokens[ranges(source.reshape(-1), sizes[:, column::3].reshape(-1))]
    lengths = sizes.sum(axis=1)
    boundaries = sizes[:, :4].sum(axis=1) if segments > 1 else lengths
    return tokens, lengths, boundaries.astype(np.int32)


def share(lengths: NDArray[np.int64], budgets: Sequence[int | None], available: int) -> NDArray[np.int64]:
    """Tokens granted to each segment, at most `available` together in a sequence.

    A segment never gets more than its length or its budget; what short segments leave over goes to the long
    ones in equal parts.

    Args:
        lengths: (sequences, segments) tokens of each segment.
        budgets: most tokens of each segment; None sets no bound.
        available: tokens of a sequence that are not special.

    Returns:
        (sequences, segments) int64.
    """
    bound = np.iinfo(np.int64).max
    wanted = np.minimum(lengths, [bound if cap is None else cap for cap in budgets])
    order = np.argsort(wanted, axis=1, kind="stable")
    granted = np.zeros_like(wanted)
    left = np.full(len(wanted), max(available, 0), dtype=np.int64)
    rows = np.arange(len(wanted))
    for number in range(wanted.shape[1]):
        segment = order[:, number]
        granted[rows, segment] = np.minimum(wanted[rows, segment], left // (wanted.shape[1] - number))
        left -= granted[rows, segment]
    return granted


def ends(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """0 and the running sums: where pieces laid end to end begin, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def ranges(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """start, start + 1, ... of every piece, one after another."""
    shift = np.repeat(starts - ends(lengths)[:-1], lengths)
    return np.arange(len(shift), dtype=np.int64) + shift
