"""Tokenised texts to token sequences: towers, segment budgets, head-and-tail truncation.

A row is read by one or more *towers*; each tower is one token sequence made of text *segments* (say title and
body). Equal sequences are kept once, so a question that stands under several answers is encoded once.

Where a tower's last segment does not fit, it may be read through several windows. The row then has several
*readings*: the first takes the first window of every tower, and so on. The head runs on each reading, and a
row's logits are the mean of those of its readings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foldship_kernel import spans, windows
from foldship_kernel.cleaning import PLAIN, Cleaning
from foldship_kernel.encoded import EncodedRows, ends, ranges
from foldship_kernel.tokens import TokenStore


@dataclass(frozen=True)
class TowerSpec:
    """One token sequence per row.

    Attributes:
        segments: names of the texts it joins, in order.
        max_tokens: longest sequence, special tokens included.
        budgets: most tokens of each segment; None shares what is left.
        chunks: most windows that the last segment is read through where it does not fit. With one, its two
            ends are read.
        stride: tokens from the beginning of a window to that of the next; None for no overlap.
        planned: longest sequence that windows are laid for; None for `max_tokens`. They differ where a run
            short of time reads only the beginning of every window.
    """

    segments: tuple[str, ...]
    max_tokens: int
    budgets: tuple[int | None, ...]
    chunks: int = 1
    stride: int | None = None
    planned: int | None = None

    @property
    def reach(self) -> int:
        """Tokens that are read of a text at most, from its beginning, and as many to its end."""
        return self.chunks * (self.planned or self.max_tokens)

    def shortened(self, longest: int) -> TowerSpec:
        """The same with no sequence longer than `longest` tokens, and as many sequences as before."""
        if self.max_tokens <= longest:
            return self
        planned = (self.planned or self.max_tokens) if self.chunks > 1 else None
        return replace(self, max_tokens=longest, planned=planned)


@dataclass(frozen=True)
class EncodingSpec:
    """How the texts of a row become token sequences.

    Attributes:
        towers: one sequence per row each.
        head_fraction: share of a cut segment's tokens taken from its beginning, the rest from its end.
        prefix_ids, between_ids, suffix_ids: special tokens at the start, between segments, at the end.
        pad_id: token id that fills up a batch (on the right).
        segment_ids: whether token type ids mark the segments after the first.
        cleaning: what is done to the texts before they are tokenised.
        spans: whether the encoder reads which spans a token belongs to.
    """

    towers: tuple[TowerSpec, ...]
    head_fraction: float
    prefix_ids: tuple[int, ...]
    between_ids: tuple[int, ...]
    suffix_ids: tuple[int, ...]
    pad_id: int
    segment_ids: bool
    cleaning: Cleaning = PLAIN
    spans: bool = False

    @property
    def longest(self) -> int:
        """Most tokens of any sequence."""
        return max(tower.max_tokens for tower in self.towers)

    @property
    def reach(self) -> int:
        """Tokens to keep of each end of a text, see `TokenStore`."""
        return max(tower.reach for tower in self.towers)

    @property
    def most_readings(self) -> int:
        """Most readings of any row."""
        return max(tower.chunks for tower in self.towers)

    def shortened(self, longest: int) -> EncodingSpec:
        """The same with no sequence longer than `longest` tokens."""
        return replace(self, towers=tuple(tower.shortened(longest) for tower in self.towers))

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> EncodingSpec:
        towers = tuple(
            TowerSpec(**{**tower, "segments": tuple(tower["segments"]), "budgets": tuple(tower["budgets"])})
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
            cleaning=Cleaning(**value.get("cleaning", {})),
            spans=value.get("spans", False),
        )


def join(store: TokenStore, rows: Mapping[str, NDArray[np.int64]], spec: EncodingSpec) -> EncodedRows:
    """Join tokenised texts into the sequences of all towers, each distinct one once.

    Args:
        store: holds the texts.
        rows: per segment name, (rows,) number of each row's text in `store`.
        spec: towers, budgets and special tokens.
    """
    parts, towers = [], []
    first = 0
    for tower in spec.towers:
        texts, row = distinct(rows, tower)
        *part, counts = _join_tower(store, texts, tower, spec)
        parts.append(part)
        towers.append((first + ends(counts)[row], counts[row]))
        first += int(counts.sum())
    lengths = np.concatenate([part[1] for part in parts])
    readings = np.max([counts for _, counts in towers], axis=0)
    owner, number = np.repeat(np.arange(len(readings)), readings), windows.numbers(readings)
    joined = EncodedRows(
        tokens=np.concatenate([part[0] for part in parts]),
        offsets=ends(lengths),
        boundaries=np.concatenate([part[2] for part in parts]),
        # A tower with fewer windows than another begins again with its first.
        index=np.stack([places[owner] + number % counts[owner] for places, counts in towers], axis=1),
        owner=owner if len(owner) > len(readings) else None,
        marks=np.concatenate([part[3] for part in parts]) if spec.spans else None,
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
) -> tuple[
    NDArray[np.integer[Any]], NDArray[np.int64], NDArray[np.int32], NDArray[np.uint8], NDArray[np.int64]
]:
    """Sequences of (combinations, segments) texts.

    Returns:
        Tokens end to end, lengths and boundaries of the sequences, the spans of each token (none where these
        are not read), and how many sequences each combination has.
    """
    segments = texts.shape[1]
    between = [spec.prefix_ids, *[spec.between_ids] * (segments - 1), spec.suffix_ids]
    special = sum(map(len, between))
    # How much of a very long text is kept depends on the other models; what this one reads of it must not.
    lengths = np.minimum(store.lengths[texts], 2 * tower.reach)
    starts, stops = store.starts[texts], store.stops[texts]
    planned = tower.planned or tower.max_tokens
    granted = share(lengths, tower.budgets, planned - special)
    counts, slid = windows.lay(lengths[:, -1], granted[:, -1], tower.chunks, tower.stride)
    combination = np.repeat(np.arange(len(texts)), counts)
    sliding = counts[combination] > 1
    lengths, granted, starts, stops = (values[combination] for values in (lengths, granted, starts, stops))
    reach = lengths[:, -1]
    if tower.max_tokens < planned:
        wanted = lengths.copy()
        wanted[sliding, -1] = granted[sliding, -1]
        granted = share(wanted, tower.budgets, tower.max_tokens - special)
    head = np.where(granted < lengths, np.round(granted * spec.head_fraction), granted).astype(np.int64)
    # A window lies in the text's first half, or in the last, or has a part in each.
    in_first = np.clip(tower.reach - slid, 0, granted[:, -1])
    head[:, -1] = np.where(sliding, in_first, head[:, -1])
    tails = stops - (granted - head)
    tails[:, -1] = np.where(sliding, stops[:, -1] - reach + np.maximum(slid, tower.reach), tails[:, -1])
    starts[:, -1] += np.where(sliding, slid, 0)
    _keep_spans(store, texts[combination], sliding, granted, lengths, starts, head, tails)
    # Every sequence is a row of pieces: special tokens, a head, a tail, special tokens, a head, a tail ...
    sizes = np.empty((len(granted), 3 * segments + 1), dtype=np.int64)
    sizes[:, 0::3] = [len(ids) for ids in between]
    sizes[:, 1::3], sizes[:, 2::3] = head, granted - head
    places = ends(sizes.reshape(-1))
    pieces, total = places[:-1].reshape(sizes.shape), places[-1]
    tokens = np.empty(total, dtype=store.tokens.dtype)
    marks = np.zeros(total if spec.spans else 0, dtype=np.uint8)
    for number, ids in enumerate(between):
        for offset, token in enumerate(ids):
            tokens[pieces[:, 3 * number] + offset] = token
    for column, source in ((1, starts), (2, tails)):
        target = ranges(pieces[:, column::3].reshape(-1), sizes[:, column::3].reshape(-1))
        origin = ranges(source.reshape(-1), sizes[:, column::3].reshape(-1))
        tokens[target] = store.tokens[origin]
        if spec.spans:
            marks[target] = store.marks[origin]
    total_lengths = sizes.sum(axis=1)
    boundaries = sizes[:, :4].sum(axis=1) if segments > 1 else total_lengths
    return tokens, total_lengths, boundaries.astype(np.int32), marks, counts


def _keep_spans(
    store: TokenStore,
    texts: NDArray[np.int64],
    sliding: NDArray[np.bool_],
    granted: NDArray[np.int64],
    lengths: NDArray[np.int64],
    starts: NDArray[np.int64],
    head: NDArray[np.int64],
    tails: NDArray[np.int64],
) -> None:
    """Where a text with spans is cut, keep what lies around them in the place of its ends.

    Changes `starts`, `head` and `tails`. What windows slide over is not cut.
    """
    if not store.marked:
        return
    cut = granted < lengths
    cut[:, -1] &= ~sliding
    for row, column in np.argwhere(cut):
        begin = int(store.starts[texts[row, column]])
        bits = store.marks[begin : int(store.stops[texts[row, column]])]
        if bits.any():
            first, length, second, _ = spans.windows(bits, int(granted[row, column]))
            starts[row, column], head[row, column], tails[row, column] = begin + first, length, begin + second


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
