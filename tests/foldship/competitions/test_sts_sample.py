"""The generated sample of sentence pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from declared import KERNELS

from foldship import competitions
from foldship_kernel import similarity

STS = competitions.get(KERNELS, "sts")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample")
    STS.write_sample(path)
    return path


def test_it_is_read_like_the_real_files(folder: Path) -> None:
    rows = STS.read_train(folder)
    assert rows["label"].between(0, 5).all() and rows["label"].nunique() > 20
    found, template = STS.task.read_test(folder)
    assert list(template.ids) == list(found.ids)
    assert not set(found.ids) & set(rows["id"])
    assert STS.groups(rows).nunique() > 20  # enough for folds


@pytest.mark.real_data
def test_columns_are_those_of_the_real_files(folder: Path, real_data: Path) -> None:
    for name in ("train.csv", "test.csv", "sample_submission.csv"):
        ours, real = (pd.read_csv(path / name, nrows=2) for path in (folder, real_data / "sts"))
        assert list(ours.columns) == [column for column in real.columns if column != "binary-label"]


def test_likeness_can_be_seen(folder: Path) -> None:
    rows = STS.read_train(folder)
    pair = list(rows["sentence_1"]), list(rows["sentence_2"])
    alike = similarity.compute(*pair, similarity.fit([*pair[0], *pair[1]]))
    assert np.corrcoef(alike[:, 2], rows["label"])[0, 1] > 0.5
