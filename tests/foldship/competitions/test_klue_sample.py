"""The generated sample of relations."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from declared import KERNELS

from foldship import competitions

KLUE = competitions.get(KERNELS, "klue_re")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample")
    KLUE.write_sample(path)
    return path


def test_it_is_read_like_the_real_files(folder: Path) -> None:
    rows = KLUE.read_train(folder)
    common = rows[list(KLUE.task.targets)].sum()
    assert common["no_relation"] > 60 and (common > 5).sum() >= 8
    found, template = KLUE.task.read_test(folder)
    assert list(template.ids) == list(found.ids) and not set(found.ids) & set(rows["id"])
    assert KLUE.groups(rows).nunique() > 100


@pytest.mark.real_data
def test_columns_are_those_of_the_real_files(folder: Path, real_data: Path) -> None:
    for name in ("train.csv", "test.csv", "sample_submission.csv"):
        ours, real = (pd.read_csv(path / name, nrows=2) for path in (folder, real_data / "klue_re"))
        assert list(ours.columns) == list(real.columns)
