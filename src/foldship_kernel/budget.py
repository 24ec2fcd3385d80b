"""How many tokens a batch should hold, found on the first batches of real work."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence

# Padded tokens per batch. On a CPU small batches stay in the caches, on a GPU they must fill the device.
CPU_BUDGETS, GPU_BUDGETS = (256, 512, 1024, 2048), (8192, 16384, 32768, 65536)
ROUNDS = 3  # batches per candidate; the first one sets up the memory, and is not counted


class TokenBudget:
    """Tries each candidate on a few batches, then keeps the one with the most tokens per second.

    Args:
        candidates: padded tokens per batch; the second smallest is taken while little is known.
    """

    def __init__(self, candidates: Sequence[int]) -> None:
        self._candidates = sorted(candidates)
        self._lock = threading.Lock()
        self._asked = 0
        self._seen: dict[int, list[tuple[int, float]]] = defaultdict(list)
        self._chosen: int | None = None

    @property
    def value(self) -> int:
        """The budget that is best as far as is known."""
        return self._chosen or self._candidates[min(1, len(self._candidates) - 1)]

    @property
    def found(self) -> bool:
        """Whether all candidates have been tried, or memory has decided."""
        return self._chosen is not None

    def next(self) -> int:
        """The budget for the next batch."""
        with self._lock:
            if self._chosen:
                return self._chosen
            self._asked += 1
            return self._candidates[(self._asked - 1) % len(self._candidates)]

    def record(self, budget: int, tokens: int, seconds: float) -> None:
        """Tell how long a batch of `budget` took that held `tokens` real tokens."""
        with self._lock:
            if self._chosen:
                return
            self._seen[budget].append((tokens, seconds))
            if all(len(self._seen[candidate]) >= ROUNDS for candidate in self._candidates):
                self._chosen = max(self._candidates, key=self._speed)

    def shrink(self, failed: int) -> None:
        """Memory did not suffice for a batch of `failed` padded tokens: stay at half of it or below."""
        with self._lock:
            half = max(1, failed // 2)
            self._chosen = min(half, self._chosen or half)

    def _speed(self, candidate: int) -> float:
        counted = self._seen[candidate][1:]
        return sum(tokens for tokens, _ in counted) / max(sum(seconds for _, seconds in counted), 1e-9)


def steady(candidates: Sequence[int]) -> TokenBudget:
    """A budget that no timing changes: the same rows make the same batches, and these the same bits."""
    return TokenBudget(sorted(candidates)[1:2])
