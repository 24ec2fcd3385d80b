"""Rows of text to token sequences: towers, segment budgets, head-and-tail truncation.

A row is read by one or more *towers*; each tower is one token sequence made of text *segments* (say title and
body). Equal sequences are kept once, so a question that stands under several answers is encoded once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

# Only the two ends of a cut segment are used, so longer texts are cut by characters before they are
# tokenised; real text holds far fewer characters per token than this.
CHARACTERS_PER_TOKEN = 32
TOKENIZE_BATCH = 1024


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
        sequences: distinct sequences, each (length,) int32.
        boundaries: (sequences,) int32, where each sequence's second segment begins.
        index: (rows, towers) int64, which sequence each row's tower reads.
    """

    sequences: list[NDArray[np.int32]]
    boundaries: NDArray[np.int32]
    index: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(sequences,) int64, tokens in each distinct sequence."""
        return np.array([len(sequence) for sequence in self.sequences], dtype=np.int64)

    def take(self, rows: NDArray[np.int64]) -> EncodedRows:
        """The same for some rows only, holding just the sequences that they read."""
        used, inverse = np.unique(self.index[rows], return_inverse=True)
        return EncodedRows(
            [self.sequences[i] for i in used], self.boundaries[used], inverse.reshape(len(rows), -1)
        )


class RowEncoder:
    """Turns the texts of rows into token sequences.

    Args:
        tokenizer: a fast tokenizer; its own truncation and padding are switched off.
        spec: towers, budgets and special tokens.
    """

    def __init__(self, tokenizer: Tokenizer, spec: EncodingSpec) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        self.spec = spec

    def encode(self, texts: Mapping[str, Sequence[str]]) -> EncodedRows:
        """Encode rows given as one equally long list of normalised texts per segment name."""
        rows = len(next(iter(texts.values())))
        known: dict[bytes, int] = {}
        sequences: list[NDArray[np.int32]] = []
        boundaries: list[int] = []
        index = np.zeros((rows, len(self.spec.towers)), dtype=np.int64)
        for column, tower in enumerate(self.spec.towers):
            distinct, inverse = _distinct(list(zip(*(texts[name] for name in tower.segments), strict=True)))
            places = np.empty(len(distinct), dtype=np.int64)
            for start in range(0, len(distinct), TOKENIZE_BATCH):
                part = distinct[start : start + TOKENIZE_BATCH]
                for offset, (sequence, boundary) in enumerate(self._encode_tower(part, tower)):
                    key = sequence.tobytes() + boundary.to_bytes(4, "little")
                    if key not in known:
                        known[key] = len(sequences)
                        sequences.append(sequence)
                        boundaries.append(boundary)
                    places[start + offset] = known[key]
            index[:, column] = places[inverse]
        return EncodedRows(sequences, np.array(boundaries, dtype=np.int32), index)

    def _encode_tower(
        self, rows: list[tuple[str, ...]], tower: TowerSpec
    ) -> list[tuple[NDArray[np.int32], int]]:
        limit = CHARACTERS_PER_TOKEN * tower.max_tokens
        flat = [_cut_characters(text, limit) for row in rows for text in row]
        tokens = [item.ids for item in self._tokenizer.encode_batch_fast(flat, add_special_tokens=False)]
        width = len(tower.segments)
        return [self._join(tokens[at : at + width], tower) for at in range(0, len(tokens), width)]

    def _join(self, segments: list[list[int]], tower: TowerSpec) -> tuple[NDArray[np.int32], int]:
        spec = self.spec
        specials = len(spec.prefix_ids) + len(spec.between_ids) * (len(segments) - 1) + len(spec.suffix_ids)
        sizes = share([len(ids) for ids in segments], tower.budgets, tower.max_tokens - specials)
        joined = list(spec.prefix_ids)
        boundary = 0
        for position, (ids, size) in enumerate(zip(segments, sizes, strict=True)):
            if position:
                joined += spec.between_ids
            if position == 1:
                boundary = len(joined)
            joined += _head_and_tail(ids, size, spec.head_fraction)
        joined += spec.suffix_ids
        return np.array(joined, dtype=np.int32), boundary or len(joined)


def share(lengths: Sequence[int], budgets: Sequence[int | None], available: int) -> list[int]:
    """Tokens granted to each segment, at most `available` together.

    A segment never gets more than its length or its budget; what short segments leave over goes to the long
    ones in equal parts.
    """
    wanted = [
        length if cap is None else min(length, cap) for length, cap in zip(lengths, budgets, strict=True)
    ]
    granted = [0] * len(wanted)
    open_segments = sorted(range(len(wanted)), key=lambda i: wanted[i])
    left = max(available, 0)
    while open_segments:
        segment = open_segments.pop(0)
        granted[segment] = min(wanted[segment], left // (len(open_segments) + 1))
        left -= granted[segment]
    return granted


def _head_and_tail(ids: list[int], size: int, head_fraction: float) -> list[int]:
    if len(ids) <= size:
        return ids
    head = round(size * head_fraction)
    tail = size - head
    return ids[:head] + (ids[-tail:] if tail else [])


def _cut_characters(text: str, limit: int) -> str:
    return text if len(text) <= 2 * limit else f"{text[:limit]} {text[-limit:]}"


def _distinct(rows: list[tuple[str, ...]]) -> tuple[list[tuple[str, ...]], NDArray[np.int64]]:
    places: dict[tuple[str, ...], int] = {}
    inverse = np.array([places.setdefault(row, len(places)) for row in rows], dtype=np.int64)
    return list(places), inverse
