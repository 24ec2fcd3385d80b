"""Google QUEST Q&A Labeling aboard: columns, and how a test row is read.

Source: https://www.kaggle.com/competitions/google-quest-challenge/data
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foldship_kernel.rows import CsvRows, Rows
from foldship_kernel.tasks import base
from foldship_kernel.text import normalise_all

NAME = "quest"
ID = "qa_id"
TEXTS: tuple[str, ...] = ("question_title", "question_body", "answer")
CATEGORIES: tuple[str, ...] = ("category",)
COMMON: tuple[str, ...] = ("host",)
GROUP_TARGETS: tuple[str, ...] = (
    "question_asker_intent_understanding",
    "question_body_critical",
    "question_conversational",
    "question_expect_short_answer",
    "question_fact_seeking",
    "question_has_commonly_accepted_answer",
    "question_interestingness_others",
    "question_interestingness_self",
    "question_multi_intent",
    "question_not_really_a_question",
    "question_opinion_seeking",
    "question_type_choice",
    "question_type_compare",
    "question_type_consequence",
    "question_type_definition",
    "question_type_entity",
    "question_type_instructions",
    "question_type_procedure",
    "question_type_reason_explanation",
    "question_type_spelling",
    "question_well_written",
)
ANSWER_TARGETS = (
    "answer_helpful",
    "answer_level_of_information",
    "answer_plausible",
    "answer_relevance",
    "answer_satisfaction",
    "answer_type_instructions",
    "answer_type_procedure",
    "answer_type_reason_explanation",
    "answer_well_written",
)
TARGETS: tuple[str, ...] = GROUP_TARGETS + ANSWER_TARGETS
ACTIVATION = "sigmoid"
LOW, HIGH = 0.0, 1.0
ROWWISE = False
TEST_FILES: tuple[str, ...] = ("test.csv", "sample_submission.csv")

_TEST, _TEMPLATE = TEST_FILES
_GROUP_CHARACTERS = 12  # 48 bits: two of 6,079 questions collide with a chance of about 1 in 15 million


def read_test(folder: Path) -> tuple[Rows, base.Template]:
    """Check test.csv and sample_submission.csv.

    Returns:
        rows: those of test.csv, all text, ids as they came.
        template: the ids of sample_submission.csv in its order, its id column and its 30 targets.

    Raises:
        DataError: a file or column is missing or malformed, or the two files' ids differ.
    """
    rows = CsvRows(folder / _TEST, required=(*TEXTS, *CATEGORIES, *COMMON), id_column=ID)
    wanted = CsvRows(folder / _TEMPLATE, required=TARGETS, id_column=ID)
    base.check_same_ids(rows.ids, wanted.ids, folder / _TEST, folder / _TEMPLATE)
    columns = tuple(name for name in wanted.columns if name == ID or name in TARGETS)
    return rows, base.Template(ID, wanted.ids, columns)


def raw_texts(rows: pd.DataFrame) -> dict[str, Sequence[object]]:
    """Return title, body and answer of each row as they came."""
    return {name: list(rows[name]) for name in TEXTS}


def texts(rows: pd.DataFrame) -> dict[str, list[str]]:
    """Return title, body and answer of each row, each on one line, entities resolved; "" where missing."""
    return {name: normalise_all(rows[name]) for name in TEXTS}


def groups(texts: Mapping[str, Sequence[str]], ids: Iterable[str]) -> list[str]:
    """Return a short hash of each row's question.

    The question is its normalised body; where that is empty its title, and where that is empty too, the row
    is a group of its own.
    """
    questions = (
        body or title or f"{ID} {qa_id}"
        for body, title, qa_id in zip(texts["question_body"], texts["question_title"], ids, strict=True)
    )
    return [hashlib.sha256(question.encode()).hexdigest()[:_GROUP_CHARACTERS] for question in questions]


def cheap_sizes(rows: pd.DataFrame) -> list[int]:
    """Return the length of each row's answer in characters."""
    return [len(answer) if isinstance(answer, str) else 0 for answer in rows["answer"]]


def submission(template: base.Template, ids: Sequence[str], predictions: NDArray[np.float64]) -> pd.DataFrame:
    """Fill `template` with predictions (rows, 30), given in the order of `ids` and TARGETS."""
    return base.fill_template(template, TARGETS, ids, predictions)
