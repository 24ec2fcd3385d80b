"""The generated sample: the competition's schema, and something to learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from declared import QUEST, quest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge

from foldship import folds, metrics
from foldship.competitions import quest_sample

TEST_COLUMNS = [
    "qa_id",
    "question_title",
    "question_body",
    "question_user_name",
    "question_user_page",
    "answer",
    "answer_user_name",
    "answer_user_page",
    "url",
    "category",
    "host",
]
RATED_0_TO_1 = {0.0, 0.333333, 0.5, 0.666667, 1.0}
RATED_1_TO_3 = {0.333333, 0.444444, 0.5, 0.555556, 0.666667, 0.777778, 0.833333, 0.888889, 1.0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample")
    quest_sample.write(path, quest)
    return path


@pytest.fixture(scope="module")
def train(folder: Path) -> pd.DataFrame:
    return QUEST.read_train(folder)


def test_the_same_bytes_every_time(folder: Path, tmp_path: Path) -> None:
    quest_sample.write(tmp_path, quest)
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["sample_submission.csv", "test.csv", "train.csv"]
    for name in names:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_schema(folder: Path) -> None:
    columns = {name: pd.read_csv(folder / name, nrows=1).columns.tolist() for name in quest_sample.FILES}
    assert columns == {
        "train.csv": [*TEST_COLUMNS, *quest.targets],
        "test.csv": TEST_COLUMNS,
        "sample_submission.csv": [quest.id, *quest.targets],
    }


@pytest.mark.real_data
def test_schema_is_the_competitions(folder: Path, real_data: Path) -> None:
    for name in quest_sample.FILES:
        real, ours = (pd.read_csv(path / name) for path in (real_data / "quest", folder))
        assert ours.columns.tolist() == real.columns.tolist()
        numeric = [pd.api.types.is_numeric_dtype(real[column]) for column in real]
        assert numeric == [pd.api.types.is_numeric_dtype(ours[column]) for column in ours]
    assert set(pd.read_csv(folder / "train.csv")["category"]) == set(
        pd.read_csv(real_data / "quest" / "train.csv")["category"]
    )


def test_size_and_questions(folder: Path, train: pd.DataFrame) -> None:
    rows, template = quest.read_test(folder)
    test = pd.concat(list(rows.chunks()))
    assert 330 <= len(train) <= 400
    assert len(test) == len(template.ids) == 90
    answers = QUEST.groups(train).value_counts()
    assert answers.max() >= 3
    assert (answers == 1).any()
    assert QUEST.groups(test).nunique() == len(test)
    assert not set(QUEST.groups(test)) & set(QUEST.groups(train))
    assert not set(test[quest.id]) & set(train[quest.id])


def test_levels_are_the_competitions(train: pd.DataFrame) -> None:
    for name in quest.targets:
        levels = set(train[name].round(6))
        if name == "answer_satisfaction":
            assert len(levels) == 17
            assert min(levels) == 0.2
        else:
            assert levels <= RATED_0_TO_1 or levels <= RATED_1_TO_3, name
        assert len(levels) >= 3, name


def test_spelling_is_rare_yet_in_each_fold(train: pd.DataFrame) -> None:
    assert 5 <= (train["question_type_spelling"] > 0).sum() <= 12
    targets = train[list(quest.targets)]
    for count in (2, 3, 5):
        table = folds.make(train[quest.id], QUEST.groups(train), targets, count, 0)
        assert not folds.notes(table, targets)


def test_texts_hold_what_real_texts_hold(train: pd.DataFrame) -> None:
    bodies, answers = " ".join(train["question_body"]), " ".join(train["answer"])
    for mark in ("&lt;", "&amp;", "&quot;", "\n", "\r\n", "é", "\U0001f600", "{", "+="):
        assert mark in bodies
    assert "https://" in answers
    for name in ("question_body", "answer"):
        lengths = train[name].str.len()
        assert lengths.min() < 150
        assert lengths.max() > 5000
    assert "null" in set(train["question_user_name"])  # a name, not a missing value


def test_words_foretell_the_targets(train: pd.DataFrame) -> None:
    """Word counts and a linear model find the signal, so a network can."""
    text = quest.normalised(train)
    features = np.hstack(
        [
            TfidfVectorizer(max_features=1500, ngram_range=(1, 2)).fit_transform(columns).toarray()
            for columns in (
                [" ".join(pair) for pair in zip(text["question_title"], text["question_body"], strict=True)],
                text["answer"],
            )
        ]
    )
    truth = train[list(quest.targets)].to_numpy()
    fold = folds.make(train[quest.id], QUEST.groups(train), train[list(quest.targets)], 3, 0)[
        "fold"
    ].to_numpy()
    scores = []
    for number in range(3):
        model = Ridge(alpha=1.0).fit(features[fold != number], truth[fold != number])
        predicted = model.predict(features[fold == number])
        scores.append(metrics.column_spearman(truth[fold == number], predicted))
    by_column = dict(zip(quest.targets, np.nanmean(scores, axis=0), strict=True))
    assert np.mean(list(by_column.values())) > 0.4
    assert sum(score > 0.2 for score in by_column.values()) >= 27, by_column
