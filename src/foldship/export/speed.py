"""How fast engines run a fold on this machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping

from foldship.export.samples import Rows
from foldship_kernel.budget import TokenBudget
from foldship_kernel.encode import EncodingSpec
from foldship_kernel.fold import Fold

WARM_UP_TOKENS = 16384.0  # enough to set up the memory, and to find the best batches
ROUNDS, SECONDS = 5, 1.0


def measure(folds: Mapping[str, Fold], rows: Rows, encoding: EncodingSpec) -> dict[str, float]:
    """Tokens per second of each of `folds` on one core, as the kernel runs them: medians.

    All run the same rows, of all lengths, for about a second each. They take turns, so that whatever else the
    machine does meets all of them, and the time is the processor's own: waiting for others does not count.
    """
    budgets = {name: TokenBudget(fold.budgets) for name, fold in folds.items()}

    def run(name: str, part: Rows) -> float:
        began = time.process_time()
        folds[name].predict(part.encoded, part.features, encoding, budget=budgets[name])
        return part.tokens / (time.process_time() - began)

    part = rows.about(WARM_UP_TOKENS)
    slowest = min(run(name, part) for name in folds)
    part = rows.about(SECONDS * slowest)
    rounds = [{name: run(name, part) for name in folds} for _ in range(ROUNDS)]
    return {name: statistics.median(speeds[name] for speeds in rounds) for name in folds}
