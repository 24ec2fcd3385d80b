from __future__ import annotations

from pathlib import Path

import competing
import pytest

from foldship_kernel.errors import DataError
from foldship_kernel.tasks import Task


@pytest.mark.parametrize(
    ("table", "other", "line"),
    [
        ("test", "test_essays.csv", "files: {test: test_essays.csv}"),
        ("sample", "submission_format.csv", "files: {sample: submission_format.csv}"),
    ],
)
@pytest.mark.parametrize("needed", [True, False])
def test_a_file_of_another_name_is_named_with_the_line_that_declares_it(
    table: str, other: str, line: str, needed: bool, tmp_path: Path
) -> None:
    competition = competing.declare(tmp_path, competing.NUMBERS)
    folder = competing.files(tmp_path / "data", competition, **{table: {}})
    (folder / other).write_text("id,text\nx,five\n")
    (error,) = competing.matched(competition, folder, needed=needed).refusals
    assert other in error.what
    assert line in error.fix


@pytest.mark.parametrize("other", ["latest.csv", "contest.txt", "test.py", "train_test_split.csv"])
def test_not_every_file_could_be_the_test_file(other: str, tmp_path: Path) -> None:
    competition = competing.declare(tmp_path, competing.NUMBERS)
    folder = competing.files(tmp_path / "data", competition, test={})
    (folder / other).write_text("id,text\nx,five\n")
    assert not competing.matched(competition, folder, needed=False).refusals


@pytest.mark.parametrize("needed", [True, False])
def test_without_test_and_sample_one_can_train_but_not_submit(needed: bool, tmp_path: Path) -> None:
    competition = competing.declare(tmp_path, competing.NUMBERS)
    folder = competing.files(tmp_path / "data", competition, test={}, sample={})
    found = competing.matched(competition, folder, needed=needed)
    said, unsaid = (found.refusals, found.notes) if needed else (found.notes, found.refusals)
    assert [error.what.split("/")[-1] for error in said] == [
        "test.csv: no such file",
        "sample_submission.csv: no such file",
    ]
    assert not unsaid


def test_a_column_that_is_read_and_that_the_test_file_lacks_is_refused(tmp_path: Path) -> None:
    competition = competing.declare(tmp_path, competing.NUMBERS, texts=["text", "title"])
    train = {**competing.TRAIN, "title": list("mnop"), "score": [0, 1, 0, 1]}
    folder = competing.files(tmp_path / "data", competition, train=train)
    (error,) = competing.matched(competition, folder).refusals
    assert error.what.endswith("test.csv: no column 'title'")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"id,text\nx,f\xfcnf\n", "not UTF-8 text"),
        (b"id,text\nx,five\nx,six\n", "holds the id x twice"),
        (b"id,text\nx,five\ny\n", "another number of fields"),
        (b"id,text\nx,five\n,six\n", "has no id"),
    ],
)
def test_what_the_kernel_reads_all_the_same_is_said_and_stops_nothing(
    content: bytes, what: str, tmp_path: Path
) -> None:
    competition = competing.declare(tmp_path, competing.NUMBERS)
    folder = competing.files(tmp_path / "data", competition)
    (folder / "test.csv").write_bytes(content)
    found = competing.matched(competition, folder, needed=False)
    assert not found.refusals
    (said,) = found.notes
    assert what in said.what
    assert "the kernel makes of it what it can" in said.what


def test_what_the_kernel_could_not_read_either_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    competition = competing.declare(tmp_path, competing.NUMBERS)
    folder = competing.files(tmp_path / "data", competition)

    def read(task: Task, folder: Path, **_: object) -> None:
        raise DataError(f"{folder / task.test}: hopeless")

    monkeypatch.setattr(Task, "read_test", read)
    assert not competing.matched(competition, folder, needed=False).refusals
    (error,) = competing.matched(competition, folder).refusals
    assert error.what.endswith("test.csv: hopeless")


def test_files_that_fit_are_passed_in_silence(tmp_path: Path) -> None:
    for declaration in (competing.NUMBERS, competing.CLASSES):
        competition = competing.declare(tmp_path, declaration)
        found = competing.matched(competition, competing.files(tmp_path / "data", competition))
        assert not found.refusals
        assert not found.notes
