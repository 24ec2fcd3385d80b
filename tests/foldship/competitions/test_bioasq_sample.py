"""The generated sample of yes/no questions, and the real files that it is like."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from declared import KERNELS

from foldship import competitions
from foldship.retrieval import corpus
from foldship_kernel.errors import DataError

BIOASQ = competitions.get(KERNELS, "bioasq")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample")
    BIOASQ.write_sample(path)
    return path


def passages(folder: Path) -> list[corpus.Passage]:
    spec = BIOASQ.declared.retrieval
    assert spec is not None
    return corpus.together(corpus.of_rows(BIOASQ.columns(folder, (spec.snippets, spec.sources)), spec))


def test_it_is_read_like_the_real_files(folder: Path) -> None:
    rows = BIOASQ.read_train(folder)
    assert 0.5 < rows["yes"].mean() < 0.8
    assert (rows["yes"] + rows["no"] == 1).all()
    assert rows[["question", "snippets", "documents"]].notna().all().all()
    found, template = BIOASQ.task.read_test(folder)
    assert list(template.ids) == list(found.ids) and template.columns == ("id", "answer")
    assert not set(found.ids) & set(rows["id"])
    assert rows["snippets"].str.contains("\n").any()
    assert len(passages(folder)) > 500


def test_the_answer_can_be_seen_in_most_snippets(folder: Path) -> None:
    rows = BIOASQ.read_train(folder)
    seems_no = rows["snippets"].str.contains("did not|no better|no relief")
    assert (seems_no == (rows["no"] == 1)).mean() > 0.9


@pytest.mark.parametrize("answer", ["maybe", None, ["yes", "no"]])
def test_an_answer_that_is_neither_is_named(folder: Path, tmp_path: Path, answer: object) -> None:
    value = json.loads((folder / "train.json").read_text())
    value["questions"][4]["exact_answer"] = answer
    (tmp_path / "train.json").write_text(json.dumps(value))
    with pytest.raises(DataError) as caught:
        BIOASQ.read_train(tmp_path)
    assert "train.json" in str(caught.value) and "row 5" in str(caught.value)


@pytest.mark.real_data
def test_the_competitions_own_files(real_data: Path, tmp_path: Path) -> None:
    rows = BIOASQ.read_train(real_data / "bioasq")
    assert len(rows) == 712 and rows["yes"].sum() == 443
    found, _ = BIOASQ.task.read_test(real_data / "bioasq")
    assert len(found.ids) == 178
    assert len(pd.concat(found.chunks())) == 178
    known = passages(real_data / "bioasq")
    assert len(known) > 2500 and len({document for document, _ in known}) == 890
    # What BioASQ itself hands out: many documents a question, each of several questions.
    shutil.copy(real_data / "bioasq" / "bioasq13b_yesno_sample.json", tmp_path / "train.json")
    own = BIOASQ.read_train(tmp_path)
    assert len(own) == 41 and own["no"].sum() == 3
    assert own["documents"].str.count("\n").max() > 10
    assert BIOASQ.groups(own).nunique() > 30
