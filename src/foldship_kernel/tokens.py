"""Distinct texts, each tokenised once, kept as numbers in one array."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

# Only the two ends of a cut text are used, so longer texts are cut by characters before they are tokenised;
# real text holds far fewer characters per token than this. What is kept of an end is the same for all models
# of up to so many tokens, as long runs without a space may be one token each.
CHARACTERS_PER_TOKEN = 32
LEAST_KEPT = 512


class TokenStore:
    """Tokens of texts, without special ones.

    Args:
        tokenizer: a fast tokenizer; its own truncation and padding are switched off. It uses all cores.
        keep: tokens of which a text keeps as many from its beginning, and as many from its end.
    """

    def __init__(self, tokenizer: Tokenizer, keep: int) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        self._keep = keep
        self._type = np.uint16 if tokenizer.get_vocab_size() <= np.iinfo(np.uint16).max else np.int32
        self._known: dict[bytes, int] = {}
        self._parts: list[NDArray[np.integer[Any]]] = []
        self._lengths: list[NDArray[np.int64]] = []
        self._joined = 0

    def add(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Tokenise those that are new; returns the number of each text, equal for equal texts."""
        numbers = np.empty(len(texts), dtype=np.int64)
        new: list[str] = []
        for place, text in enumerate(texts):
            key = hashlib.blake2b(text.encode(), digest_size=16).digest()
            numbers[place] = self._known.setdefault(key, len(self._known))
            if numbers[place] == self._joined + len(new):
                new.append(self._cut(text))
        if new:
            found = self._tokenizer.encode_batch_fast(new, add_special_tokens=False)
            kept = [self._ends(item.ids) for item in found]
            self._parts.append(np.concatenate(kept))
            self._lengths.append(np.array([len(ids) for ids in kept], dtype=np.int64))
            self._joined += len(new)
        return numbers

    @property
    def tokens(self) -> NDArray[np.integer[Any]]:
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

    def _cut(self, text: str) -> str:
        limit = CHARACTERS_PER_TOKEN * max(self._keep, LEAST_KEPT)
        return text if len(text) <= 2 * limit else f"{text[:limit]} {text[-limit:]}"

    def _ends(self, ids: list[int]) -> NDArray[np.integer[Any]]:
        if len(ids) > 2 * self._keep:
            ids = ids[: self._keep] + ids[-self._keep :]
        return np.array(ids, dtype=self._type)
