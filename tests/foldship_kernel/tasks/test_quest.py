"""Reading QUEST's test files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from declared import quest

from foldship.competitions import quest_sample
from foldship_kernel.errors import DataError
from foldship_kernel.rows import Rows


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    quest_sample.write(tmp_path, quest)
    return tmp_path


def frame_of(rows: Rows) -> pd.DataFrame:
    return pd.concat(list(rows.chunks()))


def rewrite(path: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Write the table again as `change` gives it back."""
    change(pd.read_csv(path, dtype=str, keep_default_na=False)).to_csv(path, index=False)


def test_columns_and_ids(folder: Path) -> None:
    rows, template = quest.read_test(folder)
    assert len(quest.targets) == 30
    assert list(template.columns) == [quest.id, *quest.targets]
    assert list(rows.ids) == list(template.ids)
    assert all(isinstance(value, str) for value in rows.ids)


def test_template_keeps_its_own_order_of_rows_and_columns(folder: Path) -> None:
    path = folder / "sample_submission.csv"
    rewrite(path, lambda frame: frame.iloc[::-1, ::-1])
    before = pd.read_csv(path, dtype=str)
    rows, template = quest.read_test(folder)
    assert list(template.columns) == [quest.id, *before.columns[:-1]]
    assert list(template.ids) == before[quest.id].tolist() == list(rows.ids)[::-1]


def test_only_the_columns_that_are_read_are_needed(folder: Path) -> None:
    rewrite(folder / "test.csv", lambda frame: frame.drop(columns=["url", "answer_user_name"]))
    quest.read_test(folder)


def test_differing_ids(folder: Path) -> None:
    rewrite(folder / "sample_submission.csv", lambda frame: frame.iloc[1:])
    with pytest.raises(DataError, match=r"only in test\.csv: 1"):
        quest.read_test(folder)


@pytest.mark.parametrize(
    ("file", "column"), [("test.csv", "answer"), ("sample_submission.csv", "answer_helpful")]
)
def test_a_missing_column(folder: Path, file: str, column: str) -> None:
    rewrite(folder / file, lambda frame: frame.rename(columns={column: column + "s"}))
    with pytest.raises(DataError, match=f"similar: {column}s"):
        quest.read_test(folder)


def test_missing_values_anywhere_but_in_the_id_are_read(folder: Path) -> None:
    names = [*quest.texts, *quest.categories, *quest.common]
    rewrite(folder / "test.csv", lambda frame: frame.assign(**dict.fromkeys(names, "")))
    rows, _ = quest.read_test(folder)
    frame = frame_of(rows)
    assert quest.normalised(frame) == {name: [""] * len(frame) for name in quest.texts}
    assert quest.cheap_sizes(frame) == [0] * len(frame)


def test_texts_are_one_line_without_entities(folder: Path) -> None:
    rows, _ = quest.read_test(folder)
    frame = frame_of(rows)
    assert any("&amp;" in body or "&lt;" in body for body in frame["question_body"])
    for values in quest.normalised(frame).values():
        assert not any("\n" in text or "&amp;" in text or "&lt;" in text for text in values)


def test_cheap_sizes_are_the_answers_lengths(folder: Path) -> None:
    rows, _ = quest.read_test(folder)
    frame = frame_of(rows)
    assert quest.cheap_sizes(frame) == frame["answer"].str.len().tolist()


def test_submission_has_the_templates_ids_and_columns(folder: Path) -> None:
    rewrite(folder / "sample_submission.csv", lambda frame: frame.iloc[::-1])
    rows, template = quest.read_test(folder)
    predictions = np.random.default_rng(0).random((len(rows.ids), 30))
    table = quest.fill(template, list(rows.ids), predictions)
    assert table.columns.tolist() == list(template.columns)
    assert table[quest.id].tolist() == list(template.ids)
    assert np.array_equal(table[list(quest.targets)].to_numpy(), predictions[::-1])


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "size"), [("quest", 476), ("quest_hidden", 1263)])
def test_the_competitions_own_files(real_data: Path, name: str, size: int) -> None:
    rows, template = quest.read_test(real_data / name)
    assert len(rows.ids) == len(template.ids) == size
    assert list(template.columns) == [quest.id, *quest.targets]
    texts = quest.normalised(frame_of(rows))
    assert all(texts["question_title"])
    assert all(texts["answer"])
    assert texts["question_body"].count("") <= 2  # a body may be a line break only
