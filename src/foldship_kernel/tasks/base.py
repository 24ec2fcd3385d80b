"""What every task aboard offers, and the pieces that tasks share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, softmax

from foldship_kernel.errors import DataError, listed
from foldship_kernel.rows import Rows


@dataclass(frozen=True)
class Template:
    """What a submission must hold.

    Attributes:
        id_column: name of the id column.
        ids: ids in the order wanted.
        columns: all columns in the order wanted.
    """

    id_column: str
    ids: Sequence[str]
    columns: tuple[str, ...]


class Task(Protocol):
    """One competition as the kernel sees it; a module of `foldship_kernel.tasks` is one.

    Attributes:
        NAME: name of the module, and of the competition.
        ID: id column of the rows.
        TEXTS: names of the texts that a row holds, as `texts` returns them.
        CATEGORIES: metadata columns of which every value counts.
        COMMON: metadata columns of which the commonest values count.
        TARGETS: what the model's outputs are, in order.
        GROUP_TARGETS: those of them that belong to a row's group alone, whatever else stands in the row.
        ACTIVATION: what makes outputs of logits, see `activate`.
        LOW, HIGH: range of the outputs.
        ROWWISE: whether the metric judges each row by itself, so that a submission may hold rows that more
            folds have read than others; not so where rows are ranked or correlated with each other.
        TEST_FILES: files by which the competition's folder is known.
    """

    NAME: str
    ID: str
    TEXTS: tuple[str, ...]
    CATEGORIES: tuple[str, ...]
    COMMON: tuple[str, ...]
    TARGETS: tuple[str, ...]
    GROUP_TARGETS: tuple[str, ...]
    ACTIVATION: str
    LOW: float
    HIGH: float
    ROWWISE: bool
    TEST_FILES: tuple[str, ...]

    def read_test(self, folder: Path) -> tuple[Rows, Template]:
        """Find and check the rows to predict, and the template of the submission."""

    def raw_texts(self, rows: pd.DataFrame) -> dict[str, Sequence[object]]:
        """Return the texts of some rows as they came, str or missing, one sequence per name in TEXTS."""

    def texts(self, rows: pd.DataFrame) -> dict[str, list[str]]:
        """Return the normalised texts of some rows, one list per name in TEXTS."""

    def groups(self, texts: Mapping[str, Sequence[str]], ids: Iterable[str]) -> Sequence[str]:
        """Return the group of each row, equal for rows that belong together.

        Args:
            texts: normalised, as `texts` returns them.
            ids: of the rows.
        """

    def cheap_sizes(self, rows: pd.DataFrame) -> list[int]:
        """Return a number per row that orders the rows without a model."""

    def submission(
        self, template: Template, ids: Sequence[str], predictions: NDArray[np.float64]
    ) -> pd.DataFrame:
        """Lay out predictions as the competition wants them.

        Args:
            template: as `read_test` returns it.
            ids: id of each predicted row.
            predictions: (rows, targets), in the order of `ids` and TARGETS.
        """


def activate(logits: NDArray[np.floating], activation: str) -> NDArray[np.float64]:
    """Turn logits (rows, outputs) into outputs of the same shape, float64.

    Args:
        logits: what the head returns.
        activation: "sigmoid", "softmax" (over the outputs of a row) or "identity".

    Raises:
        ValueError: there is no such activation.
    """
    values = logits.astype(np.float64)
    if activation == "sigmoid":
        return np.asarray(expit(values))
    if activation == "softmax":
        return np.asarray(softmax(values, axis=1))
    if activation == "identity":
        return values
    raise ValueError(f"unknown activation {activation!r}: use sigmoid, softmax or identity")


def rank_signal(sizes: Sequence[int], ids: Sequence[str]) -> NDArray[np.float64]:
    """Order rows by size, then id: (rows,) float64, evenly spaced in [0, 1], the same in any row order."""
    order = sorted(range(len(ids)), key=lambda row: (sizes[row], ids[row]))
    signal = np.full(len(ids), 0.5)
    if len(ids) > 1:
        signal[order] = np.linspace(0.0, 1.0, len(ids))
    return signal


def check_same_ids(
    rows: Sequence[str], template: Sequence[str], rows_path: Path, template_path: Path
) -> None:
    """Check that two files hold the same ids, in any order.

    Raises:
        DataError: an id stands in one of the files only.
    """
    known, wanted = set(rows), set(template)
    if known == wanted:
        return
    found = []
    for path, extra in (
        (rows_path, [value for value in rows if value not in wanted]),
        (template_path, [value for value in template if value not in known]),
    ):
        if extra:
            found.append(f"only in {path.name}: {len(extra)} ({listed(extra)})")
    raise DataError(
        f"{rows_path} and {template_path.name} do not hold the same ids",
        expected=f"the same {len(rows)} ids in both",
        found="; ".join(found),
        fix="take both files from the same download",
    )


def fill_template(
    template: Template, targets: Sequence[str], ids: Sequence[str], predictions: NDArray[np.float64]
) -> pd.DataFrame:
    """Return the template's table with its target columns filled by id: same ids, columns, order; float64."""
    places = pd.Index(ids).get_indexer(pd.Index(template.ids))
    columns = {name: predictions[places, place] for place, name in enumerate(targets)}
    return pd.DataFrame(
        {
            name: list(template.ids) if name == template.id_column else columns[name]
            for name in template.columns
        }
    )
