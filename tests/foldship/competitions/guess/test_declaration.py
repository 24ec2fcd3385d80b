"""What is made of a training file that nobody has declared."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from foldship import competitions
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
