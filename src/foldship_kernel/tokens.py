"""Distinct texts, each tokenised once, kept as numbers in one array."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from foldship_kernel import spans

# Only the two ends of a cut text are used, so longer texts are cut by characters before they are tokenised;
# real text holds far fewer characters per token than this. What is kept of an end is the same for all models
# of up to so many tokens, as long runs without a space may be one token each.
CHARACTERS_PER_TOKEN = 32
Tokens = NDArray[np.integer[Any]]
LEAST_KEPT = 512


class TokenStore:
    """Tokens of texts, without special ones.

    Args:
        tokenizer: a fast tokenizer; its own truncation and padding are switched off. It uses all cores.
        keep: tokens of which a text keeps as many from its beginning, and as many from its end; of a text
            with spans, twice as many around these.
        marked: whether texts may have spans, see `foldship_kernel.spans`.
    """

    def __init__(self, tokenizer: Tokenizer, keep: int, *, marked: bool = False) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        self._keep, self.marked = keep, marked
        self._type = np.uint16 if tokenizer.get_vocab_size() <= np.iinfo(np.uint16).max else np.int32
        self._known: dict[bytes, int] = {}
        self._parts: list[Tokens] = []
        self._lengths: list[NDArray[np.int64]] = []
        self._marks: list[NDArray[np.uint8]] = []
        self._joined = 0

    def add(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Tokenise those that are new; returns the number of each text, equal for equal texts."""
        numbers = np.empty(len(texts), dtype=np.int64)
        new: list[str] = []
        for place, text in enumerate(texts):
            key = hashlib.blake2b(text.encode(), digest_size=16).digest()
            numbers[place] = self._known.setdefault(key, len(self._known))
            if numbers[place] == self._joined + len(new):
                new.append(text)
        if new:
            marked = self.marked and any(map(spans.has_any, new))
            kept, bits = self._with_spans(new) if marked else (self._plain(new), [])
            self._parts.append(np.concatenate(kept))
            self._lengths.append(np.array([len(ids) for ids in kept], dtype=np.int64))
            self._marks.append(np.concatenate(bits) if marked else np.zeros(len(self._parts[-1]), np.uint8))
            self._joined += len(new)
        return numbers

    @property
    def marks(self) -> NDArray[np.uint8]:
        """(tokens,) which spans each token of `tokens` belongs to, see `foldship_kernel.spans`."""
        if len(self._marks) != 1:
            self._marks = [np.concatenate([np.zeros(0, np.uint8), *self._marks])]
        return self._marks[0]

    @property
    def tokens(self) -> Tokens:
        """(tokens,) uint16 or int32: all texts end to end."""
        if len(self._parts) != 1:
            self._parts = [np.concatenate([np.zeros(0, self._type), *self._parts])]
        return self._parts[0]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(texts,) tokens kept of each text."""
        if len(self._lengths) != 1:
            self._lengths = [np.concatenate([np.zeros(0, np.int64), *self._lengths])]
        return self._lengths[0]

    @property
    def stops(self) -> NDArray[np.int64]:
        """(texts,) where each text ends in `tokens`."""
        return np.cumsum(self.lengths)

    @property
    def starts(self) -> NDArray[np.int64]:
        """(texts,) where each text begins in `tokens`."""
        return self.stops - self.lengths

    def _plain(self, texts: list[str]) -> list[Tokens]:
        cut = [self._cut(text) for text in texts]
        found = self._tokenizer.encode_batch_fast(cut, add_special_tokens=False)
        return [self._ends(item.ids) for item in found]

    def _with_spans(self, texts: list[str]) -> tuple[list[Tokens], list[NDArray[np.uint8]]]:
        """Tokens of texts of which some have spans, kept around these, and the spans of each token."""
        limit = 2 * CHARACTERS_PER_TOKEN * max(self._keep, LEAST_KEPT)
        given = [spans.take_out(text) for text in texts]
        cut = [spans.shorten(*one, limit) if one[1] else (self._cut(one[0]), ()) for one in given]
        found = self._tokenizer.encode_batch([text for text, _ in cut], add_special_tokens=False)
        kept: list[Tokens] = []
        bits: list[NDArray[np.uint8]] = []
        for item, (_, extents) in zip(found, cut, strict=True):
            ids, own = item.ids, spans.of_tokens(extents, item.offsets)
            if extents and len(ids) > 2 * self._keep:
                first, length, second, further = spans.windows(own, 2 * self._keep)
                chosen = np.r_[first : first + length, second : second + further]
                whole: Tokens = np.array(ids, dtype=self._type)
                kept.append(whole[chosen])
                bits.append(own[chosen])
            else:
                kept.append(self._ends(ids))
                bits.append(own if len(own) == len(kept[-1]) else np.zeros(len(kept[-1]), np.uint8))
        return kept, bits

    def _cut(self, text: str) -> str:
        limit = CHARACTERS_PER_TOKEN * max(self._keep, LEAST_KEPT)
        return text if len(text) <= 2 * limit else f"{text[:limit]} {text[-limit:]}"

    def _ends(self, ids: list[int]) -> Tokens:
        if len(ids) > 2 * self._keep:
            ids = ids[: self._keep] + ids[-self._keep :]
        return np.array(ids, dtype=self._type)
