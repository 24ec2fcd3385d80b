"""Functions for `augmentation.rows`, as users write them: good ones and bad ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
from declared import quest

TARGETS = list(quest.targets)


def swapped(rows: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """The last and the first row with answers of their own."""
    return _made(rows.iloc[[-1, 0]], "x").assign(answer=["another answer", "and one more"])


def noisy(rows: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    return _made(rows.iloc[:1], "x").assign(**{TARGETS[0]: random.random()})


def nothing(rows: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    return rows.iloc[:0]


def spoiling(rows: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    rows["answer"] = "spoilt"
    return rows.iloc[:0]


def of_another_fold(rows: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    return _made(rows.iloc[:1], "x").assign(qa_id="3#x")


def without_mark(rows: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    return rows.iloc[:1]


def twice(rows: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    return _made(rows.iloc[[0, 0]], "x")


def other_columns(rows: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    return _made(rows.iloc[:1], "x").drop(columns="answer")


def out_of_range(rows: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    return _made(rows.iloc[:1], "x").assign(**{TARGETS[0]: 2.0})


def missing_target(rows: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    return _made(rows.iloc[:1], "x").assign(**{TARGETS[0]: np.nan})


def no_table(rows: pd.DataFrame, random: np.random.Generator) -> list[str]:
    return []


def _made(rows: pd.DataFrame, suffix: str) -> pd.DataFrame:
    ids = [f"{value}#{suffix}" for value in rows["qa_id"]]
    return rows.assign(qa_id=ids, **dict.fromkeys(TARGETS, 0.5))
