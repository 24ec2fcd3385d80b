"""Google QUEST Q&A Labeling ashore: training rows and their groups.

Source: https://www.kaggle.com/competitions/google-quest-challenge/data
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from foldship.competitions.base import Competition
from foldship.competitions.quest_sample import write as write_sample
from foldship_kernel import tables
from foldship_kernel.tasks import quest
from foldship_kernel.text import normalise_all

RARE = ("question_type_spelling",)
_QUESTION = ("question_title", "question_body")


def read_train(folder: Path) -> pd.DataFrame:
    """Read train.csv.

    Returns:
        One row per question-answer pair: `qa_id` first; text and metadata columns of dtype object (str, or
        None where empty), 30 float64 target columns with values in [0, 1].

    Raises:
        DataError: the file or a column is missing or malformed, or a target is no number in [0, 1].
    """
    path = folder / "train.csv"
    needed = (*quest.TEXTS, *quest.CATEGORIES, *quest.COMMON, *quest.TARGETS)
    rows = tables.read_table(path, required=needed, id_column=quest.ID)
    targets = tables.numbers(rows, quest.TARGETS, path, quest.LOW, quest.HIGH)
    return rows.assign(**{name: targets[name] for name in quest.TARGETS})


def read_unlabelled(folder: Path) -> pd.DataFrame:
    """Read test.csv: as `read_train`, without the targets.

    Raises:
        DataError: the file or a column is missing or malformed.
    """
    needed = (*quest.TEXTS, *quest.CATEGORIES, *quest.COMMON)
    return tables.read_table(folder / "test.csv", required=needed, id_column=quest.ID)


def groups(rows: pd.DataFrame) -> pd.Series:
    """Return a short hash of each row's question, so that all its answers share a fold."""
    # Not quest.texts: the answers would be normalised, too, for nothing.
    question = {name: normalise_all(rows[name]) for name in _QUESTION}
    result = quest.groups(question, rows[quest.ID])
    return pd.Series(result, index=rows.index, name="group", dtype=object)


COMPETITION = Competition(
    name=quest.NAME,
    task=quest,
    rare=RARE,
    read_train=read_train,
    read_unlabelled=read_unlabelled,
    groups=groups,
    write_sample=write_sample,
)
