"""What belongs to a group alone, as to the question of several answers, is told by all of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from foldship_kernel.errors import FoldshipError

Number = TypeVar("Number", bound=np.floating)


def columns(group_targets: Sequence[str], targets: Sequence[str], share: float) -> NDArray[np.int64]:
    """Places of the targets that `group_mean` moves.

    Args:
        group_targets: targets that belong to a row's group alone.
        targets: all targets, in order.
        share: the setting's value.

    Raises:
        FoldshipError: it is set, but there is no such target.
    """
    if share and not group_targets:
        raise FoldshipError(
            "group_mean: in this competition no target belongs to a row's group alone",
            found=f"group_mean: {share}",
            fix="remove group_mean",
        )
    return np.array([targets.index(name) for name in group_targets], dtype=np.int64)


def toward_mean(
    values: NDArray[Number], groups: NDArray[np.int64], places: NDArray[np.int64], share: float
) -> NDArray[Number]:
    """Move some columns by `share` to their mean over the rows of a group.

    Args:
        values: (n, C).
        groups: (n,), equal for rows of one group.
        places: which columns.
        share: from 0, nothing, to 1, all rows of a group become equal.

    Returns:
        (n, C); `values` itself where nothing moves.
    """
    if not share or not len(places):
        return values
    _, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    sums = np.zeros((len(sizes), len(places)))
    np.add.at(sums, place, values[:, places])
    moved = values.copy()
    # Not value + share * (mean - value): with a share of 1 the rows of a group must be equal to the last bit.
    moved[:, places] = (1 - share) * values[:, places] + share * (sums / sizes[:, None])[place]
    return moved
