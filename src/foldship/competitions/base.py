"""What every competition offers ashore."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from foldship import metrics
from foldship_kernel.tasks.base import Task


@dataclass(frozen=True)
class Competition:
    """One competition: its task aboard, and what training needs besides.

    Attributes:
        name: as in `kernels/<name>/` and `make COMPETITION=<name>`.
        task: the module that the kernel uses too.
        rare: targets with so few non-zero rows that scores are reported with and without them.
        read_train: reads the training rows of a folder: id and text columns as str (None where empty), one
            float64 column per target. Raises DataError where the files are not right.
        read_unlabelled: reads the test rows of a folder: the columns of `read_train`, but no targets. Raises
            DataError where the file is missing or not right.
        groups: group of each row, a short str; rows of one group must share a fold. Same index as the rows.
        write_sample: writes a small generated data set with the competition's files into a folder, the same
            bytes every time.
        score: the metric, column by column; the competition's is the mean over the columns.
    """

    name: str
    task: Task
    rare: tuple[str, ...]
    read_train: Callable[[Path], pd.DataFrame]
    read_unlabelled: Callable[[Path], pd.DataFrame]
    groups: Callable[[pd.DataFrame], pd.Series]
    write_sample: Callable[[Path], None]
    score: metrics.Score = metrics.spearman
