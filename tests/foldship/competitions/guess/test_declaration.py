"""What is made of a training file that nobody has declared."""

from __future__ import annotations

import json
import shlex
import zipfile
from pathlib import Path

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from foldship import competitions
from foldship.cli.context import open_context
from foldship.cli.new import command
from foldship.competitions import guess
from foldship.config import load
from foldship_kernel.errors import DataError, FoldshipError

ROWS = 40


def write(
    folder: Path, test_lacks: tuple[str, ...], sample: dict[str, object] | None, **columns: object
) -> Path:
    folder.mkdir(exist_ok=True)
    train = pd.DataFrame({"id": [f"n{number}" for number in range(ROWS)], **columns})
    train.to_csv(folder / "train.csv", index=False, encoding="utf-8-sig")
    if test_lacks:
        train.drop(columns=list(test_lacks)).to_csv(folder / "test.csv", index=False)
    if sample is not None:
        train[["id"]].assign(**sample).to_csv(folder / "sample_submission.csv", index=False)
    return folder / "train.csv"


def texts(what: str) -> list[str]:
    return [f"the {what} number {number // 2} says so" for number in range(ROWS)]


def test_a_pair_of_texts_with_a_score_under_another_name(tmp_path: Path) -> None:
    scores = [round(number * 0.125, 3) for number in range(ROWS)]
    found = guess.look(
        write(
            tmp_path,
            ("score", "rounded"),
            {"target": 0.0},
            first=texts("cat"),
            second=texts("dog"),
            source=["a", "b"] * (ROWS // 2),
            number=range(ROWS),
            score=scores,
            rounded=[int(score > 2) for score in scores],
        )
    )
    assert found.pair
    assert found.declaration["texts"] == ["first", "second"]
    assert found.declaration["categories"] == ["source"]
    assert found.declaration["group_by"] == "linked"
    assert found.declaration["targets"] == {"columns": ["score"], "range": [0.0, 4.875]}
    assert found.declaration["metric"] == "pearson"
    assert found.declaration["submission"] == {"target": "score"}
    assert any("number" in reason for reason in found.reasons if reason.startswith("not read"))


def test_classes(tmp_path: Path) -> None:
    labels = ["red", "green", "blue", "red"] * (ROWS // 4)
    found = guess.look(write(tmp_path, ("label",), {"answer": "red"}, body=texts("cat"), label=labels))
    assert found.declaration["targets"] == {"column": "label", "classes": ["blue", "green", "red"]}
    assert found.declaration["submission"] == {"answer": "class"}
    assert found.declaration["metric"] == "macro_f1"


def test_probabilities_of_several_labels(tmp_path: Path) -> None:
    two = {name: [number % 2 for number in range(ROWS)] for name in ("toxic", "rude")}
    found = guess.look(write(tmp_path, tuple(two), dict.fromkeys(two, 0.5), comment=texts("cat"), **two))
    assert found.declaration["targets"] == {"columns": ["toxic", "rude"], "range": [0.0, 1.0]}
    assert found.declaration["metric"] == "auc"
    assert "submission" not in found.declaration


def test_a_training_file_alone(tmp_path: Path) -> None:
    found = guess.look(write(tmp_path, (), None, body=texts("cat"), score=range(ROWS)))
    assert found.declaration["targets"]["columns"] == ["score"]
    assert found.declaration["files"]["sample"] is None


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"body": texts("cat")}, "nothing looks like a target"),
        ({"score": range(ROWS), "other": range(ROWS)}, "no column looks like text"),
        (
            {"body": texts("cat"), "label": [f"l{number}" for number in range(ROWS)]},
            "neither numbers nor classes",
        ),
    ],
)
def test_what_cannot_be_guessed_is_said(tmp_path: Path, columns: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        guess.look(write(tmp_path, (), None, **columns))


def test_rows_without_an_id_are_named_by_their_number(tmp_path: Path) -> None:
    pd.DataFrame({"body": texts("cat"), "score": [0, 1] * (ROWS // 2)}).to_csv(
        tmp_path / "train.csv", index=False
    )
    found = guess.look(tmp_path / "train.csv")
    assert found.declaration["id"] == {"train": None, "test": "id"}
    assert any("correct test" in reason for reason in found.reasons)
    with pytest.raises(DataError, match="no such file"):
        guess.look(tmp_path / "none.csv")


def test_the_program_writes_what_can_be_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kernels").mkdir()
    monkeypatch.setenv("FOLDSHIP_ROOT", str(tmp_path))
    labels = ["red", "green"] * (ROWS // 2)
    train = write(tmp_path / "data", ("label",), {"answer": "red"}, body=texts("cat"), label=labels)
    result = CliRunner().invoke(command, ["colours", "--from", str(train)], catch_exceptions=False)
    assert result.exit_code == 0 and "40 rows read" in result.output
    competition = competitions.get(tmp_path / "kernels", "colours")
    assert len(competition.read_train(tmp_path / "data")) == ROWS
    assert load.load(tmp_path / "kernels" / "colours", "fast").postprocess.kinds == ("offsets",)
    assert "&id" not in (tmp_path / "kernels" / "colours" / "experiment.yaml").read_text()
    assert (
        yaml.safe_load((tmp_path / "kernels" / "colours" / "kernel.yaml").read_text())["accelerator"] == "cpu"
    )
    for name, message in (("colours", "already"), ("My-Name", "cannot be a competition's name")):
        with pytest.raises(FoldshipError, match=message):
            CliRunner().invoke(command, [name, "--from", str(train)], catch_exceptions=False)


def test_what_cannot_be_read_leaves_the_name_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kernels").mkdir()
    monkeypatch.setenv("FOLDSHIP_ROOT", str(tmp_path))
    labels = ["red", "green"] * (ROWS // 2 - 1) + ["", "red"]
    train = write(tmp_path / "data", ("label",), {"answer": "red"}, body=texts("cat"), label=labels)
    with pytest.raises(DataError, match="holds no known class"):
        CliRunner().invoke(command, ["colours", "--from", str(train)], catch_exceptions=False)
    assert not (tmp_path / "kernels" / "colours").exists()


@pytest.mark.real_data
def test_real_files(real_data: Path) -> None:
    pairs = guess.look(real_data / "sts" / "train.csv").declaration
    assert pairs["texts"] == ["sentence_1", "sentence_2"]
    assert pairs["targets"] == {"columns": ["label"], "range": [0.0, 5.0]}
    assert pairs["submission"] == {"target": "label"} and pairs["metric"] == "pearson"
    quest = guess.look(real_data / "quest" / "train.csv").declaration
    assert len(quest["targets"]["columns"]) == 30 and quest["metric"] == "spearman"
    assert quest["texts"] == ["question_title", "question_body", "answer"]


def test_several_answers_a_row_are_noticed(tmp_path: Path) -> None:
    answers = [*"ABCDE"] * (ROWS // 5)
    found = guess.look(
        write(tmp_path, ("answer",), {"prediction": "B A D"}, prompt=texts("cat"), answer=answers)
    )
    assert found.declaration["submission"] == {"prediction": {"top": 3}}
    assert found.declaration["metric"] == {"name": "map", "k": 3}


def test_a_probability_of_one_of_two_classes(tmp_path: Path) -> None:
    for labels, yes in ((["no", "yes"], "yes"), (["True", "False"], "True"), (["ham", "spam"], "spam")):
        columns = {"body": texts("cat"), "label": labels * (ROWS // 2)}
        found = guess.look(write(tmp_path, ("label",), {"label": 0.5}, **columns))
        assert found.declaration["submission"] == {"label": yes} and found.declaration["metric"] == "auc"


@pytest.mark.parametrize(
    ("values", "cells", "name", "classes"),
    [
        ([0, 1, 2], 0, "label", 3),
        ([1, 2, 3, 4, 5], 3, "stars", 5),
        ([1, 2, 3, 4, 5], 3.3, "stars", None),
        (list(range(15)), 0, "anything", 15),
        (list(range(15)), 0, "score", None),
        (list(range(20)), 0, "topic_label", 20),
        (list(range(15)), 0, "language_of_country", 15),
        (list(range(15)), 0, "readingScore", None),
        ([3 * value for value in range(15)], 0, "anything", None),
        ([0.0, 1.0, 2.0], 1, "label", 3),
        ([0, 1], 1, "label", None),
    ],
)
def test_whole_numbers_are_classes_or_amounts(
    tmp_path: Path, values: list[float], cells: float, name: str, classes: int | None
) -> None:
    labels = [values[row % len(values)] for row in range(ROWS)]
    found = guess.look(write(tmp_path, (name,), {"prediction": cells}, body=texts("cat"), **{name: labels}))
    assert len(found.declaration["targets"].get("classes", [])) == (classes or 0)
    if classes:  # and it says what else they could be
        assert any(f"columns: [{name}], range:" in reason for reason in found.reasons)


@pytest.mark.parametrize("prefix", ["", "is_", "prob-"])
def test_a_samples_columns_that_are_classes(tmp_path: Path, prefix: str) -> None:
    authors = ["EAP", "HPL", "MWS", "HPL"] * (ROWS // 4)
    sample = {f"{prefix}{name.lower() if prefix else name}": 0.3 for name in ("MWS", "EAP", "HPL")}
    found = guess.look(write(tmp_path, ("author",), sample, body=texts("cat"), author=authors))
    assert found.declaration["targets"] == {"column": "author", "classes": ["EAP", "HPL", "MWS"]}
    assert list(found.declaration["submission"].values()) == ["MWS", "EAP", "HPL"]
    assert found.declaration["metric"] == "log_loss"


def test_columns_that_exclude_each_other_are_said(tmp_path: Path) -> None:
    hot = {name: [int(row % 3 == place) for row in range(ROWS)] for place, name in enumerate("abc")}
    found = guess.look(write(tmp_path, tuple("abc"), dict.fromkeys("abc", 0.33), body=texts("cat"), **hot))
    assert found.declaration["metric"] == "log_loss"
    assert any("exclude each other" in reason for reason in found.reasons)


def test_targets_that_lie_elsewhere_are_named(tmp_path: Path) -> None:
    columns = {
        "text": texts("cat"),
        "kind": ["True_Correct", "False_Neither"] * 20,
        "why": ["NA", "Adding"] * 20,
    }
    joined = {"kind:why": "True_Correct:NA False_Neither:NA"}
    with pytest.raises(DataError, match="asks for kind and why in one column"):
        guess.look(write(tmp_path / "joined", ("kind", "why"), joined, **columns))
    with pytest.raises(DataError, match=r"asks for columns that are not there(.|\n)*no other"):
        guess.look(write(tmp_path / "part", ("kind", "why"), {"kind": 0.5, "other": 0.5}, **columns))
    with pytest.raises(DataError, match=r"no column fits what(.|\n)*red, green"):
        guess.look(write(tmp_path / "none", ("kind", "why"), {"red": 0.5, "green": 0.5}, **columns))
    train = write(tmp_path / "apart", (), None, text=texts("cat"))
    (tmp_path / "apart" / "train_labels.csv").write_text("id,label\nn0,1\n")
    with pytest.raises(DataError, match=r"nothing looks like a target(.|\n)*train_labels.csv holds it"):
        guess.look(train)


def test_texts_in_files_of_their_own_are_named(tmp_path: Path) -> None:
    train = write(
        tmp_path, ("score",), {"score": 0.5}, essay=[f"e{row}" for row in range(ROWS)], score=range(ROWS)
    )
    for part in ("train", "test"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "n3.txt").write_text("An essay.")
    with pytest.raises(
        DataError, match=r"texts lie in files of their own(.|\n)*in train/, in files called by id"
    ):
        guess.look(train)


def test_a_list_within_a_document_is_found(tmp_path: Path) -> None:
    rows = [
        {"id": f"q{row}", "body": f"is it {row} or so", "answer": "yes" if row % 2 else "no"}
        for row in range(ROWS)
    ]
    (tmp_path / "train.json").write_text(json.dumps({"version": 1, "questions": rows}))
    found = guess.look(tmp_path / "train.json")
    assert found.declaration["records"] == {"list": "questions"}
    assert found.declaration["targets"] == {"column": "answer", "classes": ["no", "yes"]}
    assert found.declaration["files"] == {"train": "train.json", "sample": None}


@pytest.mark.parametrize(
    "give", ["file", "folder", "archive", "folder of the archive", "packed file", "file that is packed"]
)
def test_the_program_takes_what_a_person_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, give: str
) -> None:
    (tmp_path / "kernels").mkdir()
    monkeypatch.setenv("FOLDSHIP_ROOT", str(tmp_path))
    labels = ["red", "green"] * (ROWS // 2)
    data = write(tmp_path / "my data", ("label",), {"answer": "red"}, body=texts("cat"), label=labels).parent
    given = {"file": data / "train.csv", "folder": data}.get(give)
    if "archive" in give:
        (tmp_path / "down").mkdir()
        given = tmp_path / "down" / "colours.zip"
        with zipfile.ZipFile(given, "w") as archive:
            for path in data.iterdir():
                archive.write(path, f"colours/{path.name}")
        given = given.parent if give != "archive" else given
    elif "packed" in give:
        for path in list(data.iterdir()):
            with zipfile.ZipFile(path.with_name(f"{path.name}.zip"), "w") as archive:
                archive.write(path, path.name)
            path.unlink()
        given = data / ("train.csv.zip" if give == "packed file" else "train.csv")
    assert given is not None
    result = CliRunner().invoke(command, ["colours", "--from", str(given)], catch_exceptions=False)
    assert result.exit_code == 0 and "40 rows read, and 40 to predict" in result.output
    # The command that it says to go on with reads the same rows.
    named = shlex.split(result.output.splitlines()[-1])
    (tmp_path / "kernels" / "main.py").touch()
    context = open_context("colours", Path(named[named.index("--data") + 1]), "fast")
    assert len(context.rows) == ROWS
    assert "files" not in context.competition.declared.model_fields_set


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("colours", "nowhere", "no such file"),
        ("colours", "empty", "no file may hold the training rows"),
        ("colours", "notes.md", "holds neither numbers nor classes"),
        ("My-Name", "nowhere", r"cannot be a competition's name(.|\n)*name it my_name"),
        ("c" * 40, "nowhere", "too long a name"),
    ],
)
def test_wrong_arguments_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, given: str, said: str
) -> None:
    (tmp_path / "kernels").mkdir()
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.md").write_text("# Notes\n\nOf mine.\n")
    monkeypatch.setenv("FOLDSHIP_ROOT", str(tmp_path))
    with pytest.raises(FoldshipError, match=said):
        CliRunner().invoke(command, [name, "--from", str(tmp_path / given)], catch_exceptions=False)
    assert not list((tmp_path / "kernels").iterdir())


@pytest.mark.parametrize(
    ("encoding", "text", "declared"),
    [
        (
            "cp1252",
            "Der Fluß fließt heute träge dahin, und das “Café” am anderen Ufer ist geschlossen",
            "cp1252",
        ),
        ("gb18030", "我们今天 去公园散步 天气很好", "gb18030"),
        ("cp949", "오늘은 날씨가 좋아서 공원에 갔습니다", "cp949"),
        ("cp1251", "Сегодня хорошая погода и мы пошли в парк", "cp1251"),
        ("utf-16", "hello there again", None),
        ("utf-16-le", "hello there again", "utf-16-le"),
        ("utf-8", "Der Fluß fließt träge dahin", None),
    ],
)
def test_another_encoding_is_declared(tmp_path: Path, encoding: str, text: str, declared: str | None) -> None:
    rows = "".join(f"n{row},{text} {row},{'red' if row % 2 else 'blue'}\r\n" for row in range(ROWS))
    (tmp_path / "train.csv").write_bytes(f"id,body,label\r\n{rows}".encode(encoding))
    found = guess.look(tmp_path / "train.csv")
    assert found.declaration["files"].get("encoding") == declared
    assert any("not UTF-8" in reason for reason in found.reasons) == (declared is not None)


def test_stray_bytes_are_no_encoding(tmp_path: Path) -> None:
    rows = "".join(f"n{row},das träge Wasser {row},{'red' if row % 2 else 'blue'}\n" for row in range(ROWS))
    (tmp_path / "train.csv").write_bytes(
        f"id,body,label\n{rows}".encode().replace(b"Wasser 7", b"Wasser \xe4")
    )
    with pytest.raises(DataError, match=r"not UTF-8 text(.|\n)*0xe4"):
        guess.look(tmp_path / "train.csv")
