"""Any declared competition ashore: rows, classes, groups."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from declared import KERNELS

from foldship import competitions
from foldship.competitions.base import Competition
from foldship_kernel.errors import DataError, FoldshipError

LABELS: dict[str, Any] = {
    "id": "id",
    "texts": ["one", "two"],
    "group": ["one", "two"],
    "group_by": "linked",
    "targets": {"column": "label", "classes": ["no", "yes"]},
    "metric": "macro_f1",
}
ROWS = "id,one,two,label\n1,a,b,no\n2,c,d,yes\n3,b,e,yes\n4,,,no\n5,,,no\n6,E,f,no\n7,f,d,no\n"


def declare(folder: Path, **keys: Any) -> Competition:
    (folder / "own").mkdir(parents=True, exist_ok=True)
    (folder / "own" / "competition.yaml").write_text(yaml.safe_dump({**LABELS, **keys}))
    return competitions.get(folder, "own")


def write(folder: Path, text: str) -> Path:
    (folder / "train.csv").write_text(text, encoding="utf-8")
    return folder


def test_a_class_is_one_column_of_several(tmp_path: Path) -> None:
    rows = declare(tmp_path).read_train(write(tmp_path, ROWS))
    assert rows[["no", "yes"]].to_numpy().tolist()[:3] == [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    assert rows["label"].tolist()[:2] == ["no", "yes"]


def test_a_column_with_the_name_of_a_class_is_in_nobodys_way(tmp_path: Path) -> None:
    text = "\n".join(f"{line},{'yes' if line.startswith('id') else 'x'}" for line in ROWS.split())
    rows = declare(tmp_path).read_train(write(tmp_path, text))
    assert rows.columns.is_unique and rows["yes"].tolist() == [0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]


NAMED = {"train": "id", "test": "test_id", "sample": "Id"}


def test_the_id_column_may_have_a_name_in_each_file(tmp_path: Path) -> None:
    competition = declare(tmp_path, id=NAMED)
    rows = competition.read_train(write(tmp_path, ROWS.replace("\n1,", "\n001,")))
    assert rows.columns[0] == "Id" and rows["Id"].tolist()[:2] == ["001", "2"]
    # A column that has the wanted name itself gives way.
    (tmp_path / "test.csv").write_text("test_id,Id,one,two\n07,x,a,b\n8,y,c,d\n")
    (tmp_path / "sample_submission.csv").write_text("Id,label\n8,no\n07,no\n")
    wanted, template = competition.task.read_test(tmp_path)
    assert list(wanted.ids) == ["07", "8"] and template.ids == ["8", "07"] and template.id_column == "Id"
    (chunk,) = wanted.chunks()
    assert chunk["Id"].tolist() == ["07", "8"] and chunk.columns.is_unique
    assert competition.read_unlabelled(tmp_path)["Id"].tolist() == ["07", "8"]
    assert competition.columns(tmp_path, ("one",))["Id"].tolist()[-3:] == ["7", "07", "8"]


def test_training_rows_without_an_id_are_numbered(tmp_path: Path) -> None:
    competition = declare(tmp_path, id={"train": None, "test": "id"})
    rows = competition.read_train(write(tmp_path, ROWS.replace("\n3,", "\n2,")))  # twice the same
    assert rows["id"].tolist() == [str(number) for number in range(7)] and rows.columns.is_unique
    (tmp_path / "train.csv").rename(tmp_path / "other.csv")
    lines = [line.split(",") for line in ROWS.splitlines()[1:]]
    frame = pd.DataFrame(lines, columns=["id", "one", "two", "label"]).drop(columns="id")
    frame.to_json(tmp_path / "train.jsonl", orient="records", lines=True)
    again = competition.read_train(tmp_path)
    assert again["id"].tolist() == rows["id"].tolist() and again["one"].tolist() == rows["one"].tolist()


@pytest.mark.parametrize(("value", "shown"), [("maybe", "'maybe'"), ("", "nothing"), ("No", "'No'")])
def test_an_unknown_class_is_named_with_its_row(tmp_path: Path, value: str, shown: str) -> None:
    write(tmp_path, ROWS.replace("2,c,d,yes", f"2,c,d,{value}"))
    with pytest.raises(DataError) as caught:
        declare(tmp_path).read_train(tmp_path)
    assert "row 2 (id 2)" in caught.value.what
    assert caught.value.found == f"{shown} (1 such rows)"
    assert "no, yes" in caught.value.expected


def test_rows_that_share_a_text_belong_together_through_others_too(tmp_path: Path) -> None:
    competition = declare(tmp_path)
    groups = dict(
        zip("1234567", competition.groups(competition.read_train(write(tmp_path, ROWS))), strict=True)
    )
    assert groups["1"] == groups["3"]  # the first text of one is the second of the other
    assert groups["2"] == groups["7"] == groups["6"]  # a chain
    assert len({groups[name] for name in "12345"}) == 4  # what is empty joins nobody


def test_metrics_and_targets_have_to_fit(tmp_path: Path) -> None:
    with pytest.raises(FoldshipError, match="'pearson' for targets that are classes"):
        declare(tmp_path, metric="pearson")
    assert declare(tmp_path, metric="macro_f1").task.rowwise
    assert not declare(tmp_path, metric="auprc").task.rowwise
    assert list(declare(tmp_path, also=["auprc"]).also) == ["auprc"]


def test_a_key_that_is_not_known_is_named(tmp_path: Path) -> None:
    with pytest.raises(FoldshipError, match="did you mean targets"):
        declare(tmp_path, target={})


def test_a_competition_without_a_sample_asks_for_data(tmp_path: Path) -> None:
    with pytest.raises(FoldshipError, match="DATA="):
        declare(tmp_path).write_sample(tmp_path)


@pytest.mark.real_data
def test_real_pairs_that_share_a_sentence_share_a_group(real_data: Path) -> None:
    competition = competitions.get(KERNELS, "sts")
    rows = competition.read_train(real_data / "sts")
    assert len(rows) == 5749 and rows["label"].between(0, 5).all()
    groups = competition.groups(rows)
    both = pd.concat([rows["sentence_1"], rows["sentence_2"]])
    table = pd.DataFrame({"text": both.str.split().str.join(" "), "group": [*groups, *groups]})
    assert (table.groupby("text")["group"].nunique() == 1).all()
    assert groups.nunique() > 4000
    found, template = competition.task.read_test(real_data / "sts")
    assert len(found.ids) == 1379 and template.columns == ("id", "target")
