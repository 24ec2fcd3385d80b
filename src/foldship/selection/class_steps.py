"""Post-processing of classes: a number added to each one's log-probability, where that pays on other rows.

For two classes that is a threshold; for many it gives rare ones their chance, which a network that learned
from an uneven training set predicts too seldom for F1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from foldship.config.selecting import PostProcessing
from foldship.metrics import Array, OfClasses, mean_of_known
from foldship.selection.gate import FEWEST_FOLDS
from foldship.selection.ways import patched
from foldship_kernel import steps
from foldship_kernel.errors import FoldshipError

OFFSETS = "offsets"
STRIDES = (0.5, 0.2, 0.1)  # tried one after another, each up and down from where the one before ended
FARTHEST = 2.0
ROUNDS = 2
LEAST = 1e-9  # a gain that is no rounding error

Step = Mapping[str, Any]


def check(kinds: Sequence[str], *, of_classes: bool) -> None:
    """Check that the kinds of post-processing fit the targets.

    Raises:
        FoldshipError: a kind moves columns of numbers and the targets are classes, or the other way round.
    """
    wrong = [kind for kind in kinds if (kind in steps.OF_TABLES) != of_classes]
    if wrong:
        raise FoldshipError(
            f"postprocess.kinds: {wrong[0]} is for targets that are {'numbers' if of_classes else 'classes'}",
            expected=f"{OFFSETS}, or none" if of_classes else "clip and others of its like, or none",
            found=", ".join(kinds),
            fix="correct postprocess.kinds in kernels/<competition>/",
        )


def fit(
    truth: Array,
    table: Array,
    folds: NDArray[np.int64],
    settings: PostProcessing,
    score: OfClasses,
    without: Mapping[int, Array],
) -> tuple[list[dict[str, Any]], Array]:
    """Fit the step, if it pays, and process each fold with what was fitted and decided without it.

    Args:
        truth, table: (n, C), one-hot and probabilities.
        folds: (n,).
        settings: what is asked for; `minimum_gain` is in the metric, mean of the folds.
        score: the metric.
        without: by the number of a fold, the table blended as if it had not been there.

    Returns:
        The steps, none or one, and the nested table (n, C).
    """
    numbers = frozenset(np.unique(folds).tolist())
    known: dict[frozenset[int], Step] = {}

    def step(unseen: frozenset[int]) -> Step:
        if unseen not in known:
            rows = ~np.isin(folds, list(unseen))
            seen = without[next(iter(unseen))] if len(unseen) == 1 else table
            known[unseen] = offsets(truth[rows], seen[rows], score)
        return known[unseen]

    def pays(unseen: frozenset[int]) -> bool:
        gains = []
        for fold in numbers - unseen:
            rows = folds == fold
            processed = steps.offsets(without[fold][rows], step(unseen | {fold}))
            before, after = (score(truth[rows], found)[:1] for found in (without[fold][rows], processed))
            gains.append(after - before)
        if len(gains) < FEWEST_FOLDS:
            return False
        gain = float(mean_of_known(np.array(gains))[0])
        return gain >= settings.minimum_gain and gain > 0

    nested = patched(folds, without)
    if OFFSETS not in settings.kinds:
        return [], nested
    for fold in numbers:
        if pays(frozenset({fold})):
            rows = folds == fold
            nested[rows] = steps.offsets(nested[rows], step(frozenset({fold})))
    return ([dict(step(frozenset()))] if pays(frozenset()) else []), nested


def offsets(truth: Array, table: Array, score: OfClasses) -> dict[str, Any]:
    """The step whose offsets score best on these rows, sought class by class from none."""
    found = np.zeros(table.shape[1])
    logs = np.log(np.maximum(table, steps.SMALLEST))

    def at(values: Array) -> float:
        return float(score(truth, softmax(logs + values, axis=1))[0])  # it may ask for probabilities

    best = at(found)
    for stride in STRIDES:
        for _ in range(ROUNDS):
            before = best
            for place in range(len(found)):
                for change in (stride, -stride):
                    while abs(found[place] + change) <= FARTHEST:
                        moved = found.copy()
                        moved[place] += change
                        if not (reached := at(moved)) > best + LEAST:
                            break
                        best, found = reached, moved
            if not best > before:
                break
    return {"kind": OFFSETS, "offsets": [round(float(value), 6) for value in found]}
