"""Training rows of QUEST, the generated sample and the competition's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from declared import KERNELS, QUEST
from declared import quest as task

from foldship import competitions, folds
from foldship.competitions import quest_sample
from foldship_kernel.errors import DataError, FoldshipError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    quest_sample.write(tmp_path, task)
    return tmp_path


def rewrite(path: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Write the table again as `change` gives it back."""
    change(pd.read_csv(path, dtype=str, keep_default_na=False)).to_csv(path, index=False)


def with_value(row: int, column: str, value: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[row, column] = value
        return frame

    return change


def test_competitions_are_found_by_name() -> None:
    assert {"quest", "sts"} <= set(competitions.names(KERNELS))
    for name in competitions.names(KERNELS):
        found = competitions.get(KERNELS, name)
        assert name == found.name == found.task.name
    with pytest.raises(FoldshipError, match="quest"):
        competitions.get(KERNELS, "qeust")


def test_rare_targets_are_targets() -> None:
    assert set(QUEST.rare) < set(task.targets)


def test_types(folder: Path) -> None:
    rows = QUEST.read_train(folder)
    assert rows.columns[0] == task.id
    assert all(isinstance(value, str) for value in rows[task.id])
    assert (rows[list(task.targets)].dtypes == np.float64).all()
    assert rows.index.tolist() == list(range(len(rows)))


def test_other_peoples_files(folder: Path) -> None:
    plain = QUEST.read_train(folder)
    path = folder / "train.csv"
    text = pd.read_csv(path, dtype=str, keep_default_na=False)
    text.to_csv(path, encoding="utf-8-sig", lineterminator="\r\n")  # an index column comes with it
    pd.testing.assert_frame_equal(QUEST.read_train(folder), plain)


@pytest.mark.parametrize("value", ["", "NaN", "1.2", "-1", "yes"])
def test_a_bad_target_is_named(folder: Path, value: str) -> None:
    rewrite(folder / "train.csv", with_value(4, "answer_helpful", value))
    qa_id = pd.read_csv(folder / "train.csv", dtype=str)[task.id][4]
    with pytest.raises(DataError) as caught:
        QUEST.read_train(folder)
    for part in ("train.csv", "'answer_helpful'", "row 5", qa_id):
        assert part in caught.value.what


@pytest.mark.parametrize("column", [task.id, "answer", "host", "question_well_written"])
def test_a_missing_column_is_named(folder: Path, column: str) -> None:
    rewrite(folder / "train.csv", lambda frame: frame.drop(columns=column))
    with pytest.raises(DataError, match=f"no column '{column}'"):
        QUEST.read_train(folder)


def test_a_duplicate_id_is_named(folder: Path) -> None:
    rewrite(folder / "train.csv", lambda frame: pd.concat([frame, frame.iloc[[2]]]))
    with pytest.raises(DataError, match="twice"):
        QUEST.read_train(folder)


def test_missing_texts_are_read(folder: Path) -> None:
    rewrite(folder / "train.csv", with_value(0, "answer", ""))
    assert QUEST.read_train(folder)["answer"][0] is None


def test_answers_of_one_question_share_a_group() -> None:
    rows = pd.DataFrame(
        {
            task.id: ["1", "2", "3", "4", "5", "6", "7"],
            "question_title": ["t", "t", "t", "u", "u", None, None],
            "question_body": ["a &amp; b", "a & b\n", "c", None, " \n", None, ""],
        }
    )
    groups = QUEST.groups(rows)
    assert pd.factorize(groups)[0].tolist() == [0, 0, 1, 2, 2, 3, 4]
    assert all(len(group) == 12 for group in groups)


@pytest.mark.real_data
def test_the_competitions_own_training_file(real_data: Path) -> None:
    rows = QUEST.read_train(real_data / "quest")
    assert rows.shape == (4816, 41)
    assert QUEST.groups(rows).nunique() == rows["question_body"].nunique() == 2866
    assert (rows["question_type_spelling"] > 0).sum() == 10


@pytest.mark.real_data
def test_hidden_questions_are_told_apart(real_data: Path) -> None:
    hidden, _ = task.read_test(real_data / "quest_hidden")
    rows = pd.concat(list(hidden.chunks()))
    train = QUEST.read_train(real_data / "quest")
    groups = QUEST.groups(rows)
    assert groups.nunique() == rows["question_title"].nunique()
    assert not set(groups) & set(QUEST.groups(train))


@pytest.mark.real_data
def test_folds_of_the_competitions_own_training_file(real_data: Path) -> None:
    rows = QUEST.read_train(real_data / "quest")
    targets = rows[list(task.targets)]
    table = folds.make(rows[task.id], QUEST.groups(rows), targets, 5, 0)
    assert table["fold"].value_counts().between(950, 975).all()
    assert table.groupby("group")["fold"].nunique().max() == 1
    assert not folds.notes(table, targets)  # ten non-zero rows of question_type_spelling, some in each fold


def test_unlabelled_rows_are_read_like_training_rows(folder: Path) -> None:
    rows = QUEST.read_unlabelled(folder)
    assert set(rows.columns) == set(QUEST.read_train(folder).columns) - set(task.targets)
    assert QUEST.groups(rows).map(len).eq(12).all()
    (folder / "test.csv").unlink()
    with pytest.raises(DataError, match=r"test\.csv: no such file"):
        QUEST.read_unlabelled(folder)
