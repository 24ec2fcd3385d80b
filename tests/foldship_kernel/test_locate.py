from __future__ import annotations

from pathlib import Path

import pytest

from foldship_kernel import locate
from foldship_kernel.errors import DataError

FILES = ("test.csv", "sample_submission.csv")


def put(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in FILES:
        (folder / name).write_text("id\n1\n")
    return folder


@pytest.mark.parametrize(
    "place",
    [
        "google-quest-challenge",
        "google-quest-challenge/google-quest-challenge",
        "competitions/google-quest-challenge",
        "competitions/google-quest-challenge/data",
        "datasets/someone/google-quest-challenge",
        "datasets/someone/google-quest-challenge/data",
    ],
)
def test_files_are_found_at_every_mount_point(tmp_path: Path, place: str) -> None:
    folder = put(tmp_path / place)
    assert locate.read_first(tmp_path, FILES, lambda path: path.name) == (folder, folder.name)


def test_the_competition_goes_before_a_data_set_with_the_same_files(tmp_path: Path) -> None:
    put(tmp_path / "copy")
    mounted = put(tmp_path / "competitions" / "slug" / "nested")
    assert locate.read_first(tmp_path, FILES, str)[0] == mounted


def test_a_folder_that_cannot_be_read_is_passed_over_for_one_that_can(tmp_path: Path) -> None:
    put(tmp_path / "a-other-competition")
    right = put(tmp_path / "b-this-one")

    def read(folder: Path) -> None:
        if folder != right:
            raise DataError("other columns")

    assert locate.read_first(tmp_path, FILES, read)[0] == right


def refuse(self: Path, *_: object, **__: object) -> bool:
    raise PermissionError(13, "Permission denied", str(self))


def test_no_file_is_asked_about_and_links_are_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = put(tmp_path / "elsewhere" / "slug")
    (tmp_path / "input" / "pictures").mkdir(parents=True)
    (tmp_path / "input" / "pictures" / "one.png").touch()
    (tmp_path / "input" / "slug").symlink_to(right)
    (tmp_path / "input" / "loop").symlink_to("loop")
    monkeypatch.setattr(Path, "is_dir", refuse)
    assert {path.name for path in locate.folders(tmp_path / "input")} == {"input", "pictures", "slug"}


def test_where_we_must_not_look_nothing_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locked, right = put(tmp_path / "a"), put(tmp_path / "b")
    is_file = Path.is_file
    monkeypatch.setattr(Path, "is_file", lambda path: (refuse if path.parent == locked else is_file)(path))
    assert list(locate.holding(tmp_path, FILES)) == [right]


def test_files_that_must_not_be_read_are_passed_over_or_reported(tmp_path: Path) -> None:
    locked = put(tmp_path / "a")

    def read(folder: Path) -> None:
        if folder == locked:
            refuse(folder)

    with pytest.raises(DataError, match="Permission denied"):
        locate.read_first(tmp_path, FILES, read)
    right = put(tmp_path / "b")
    assert locate.read_first(tmp_path, FILES, read)[0] == right


def test_if_none_can_be_read_the_first_one_is_reported(tmp_path: Path) -> None:
    put(tmp_path / "copy")
    put(tmp_path / "competitions" / "slug")

    def read(folder: Path) -> None:
        raise DataError(f"{folder.name} is no good")

    with pytest.raises(DataError, match="slug is no good"):
        locate.read_first(tmp_path, FILES, read)


def test_missing_files_are_reported_with_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "competitions" / "another-one").mkdir(parents=True)
    with pytest.raises(DataError) as error:
        locate.read_first(tmp_path, FILES, str)
    assert "test.csv and sample_submission.csv" in str(error.value)
    assert "competitions/another-one" in str(error.value)
    assert "competition_sources" in str(error.value)
