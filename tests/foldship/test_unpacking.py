"""The competition's archive in place of a folder."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from foldship import unpacking
from foldship_kernel.errors import DataError, FoldshipError

NAMES = ("train.csv", "test.csv")
FILES = {"train.csv": "id\n1\n", "test.csv": "id\n2\n", "images/1.png": "x", "texts/1.txt": "a text"}


def pack(path: Path, files: dict[str, str] = FILES, inside: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"{inside}{name}", content)
        archive.writestr("__MACOSX/._train.csv", "x")
    return path


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("inside", ["", "the-competition/", "./a/b/"])
@pytest.mark.parametrize("names", [NAMES, ()])
def test_an_archive_or_a_folder_with_it_is_unpacked_once(
    tmp_path: Path, inside: str, names: tuple[str, ...]
) -> None:
    archive = pack(tmp_path / "data" / "the-competition.zip", inside=inside)
    (tmp_path / "data" / "notes.md").write_text("mine")
    found = unpacking.folder(archive, names, tmp_path / "build")
    assert files(found) == {"train.csv", "test.csv", "texts/1.txt"}  # and no picture
    (found / "mark").touch()
    assert unpacking.folder(archive.parent, names, tmp_path / "build") == found and (found / "mark").exists()
    pack(archive, {**FILES, "test.csv": "id\n3\n"}, inside)
    other = unpacking.folder(archive, names, tmp_path / "build")
    assert other != found and (other / "test.csv").read_text() == "id\n3\n"
    assert not [path for path in (tmp_path / "build").iterdir() if path.name.startswith(".")]


def test_a_folder_with_the_files_is_itself(tmp_path: Path) -> None:
    pack(tmp_path / "data" / "the-competition.zip")
    pack(tmp_path / "data" / "test.csv.zip", {"test.csv": "id\n2\n"})
    assert unpacking.folder(tmp_path / "data", NAMES, tmp_path / "build") == tmp_path / "data"
    for name in ("a", "b"):
        pack(tmp_path / "two" / f"{name}.zip")
    assert unpacking.folder(tmp_path / "two", NAMES, tmp_path / "build") == tmp_path / "two"
    assert not (tmp_path / "build").exists()


def test_no_member_leaves_the_folder(tmp_path: Path) -> None:
    hostile = {"../../up.csv": "x", "/root.csv": "x", "..\\..\\windows.csv": "x"}
    found = unpacking.folder(pack(tmp_path / "all.zip", FILES | hostile), NAMES, tmp_path / "build")
    assert files(tmp_path) - {"all.zip"} == {
        f"build/{found.name}/{name}" for name in ("train.csv", "test.csv", "texts/1.txt", "root.csv")
    }


def test_what_is_no_archive_gets_the_right_advice(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("id\n1\n")
    with pytest.raises(DataError, match=f"DATA: .*train.csv is no folder(.|\\n)*name the folder: {tmp_path}"):
        unpacking.folder(tmp_path / "train.csv", NAMES, tmp_path / "build")
    with pytest.raises(FoldshipError, match=r"INPUT: .*gone is no folder"):
        unpacking.folder(tmp_path / "gone", NAMES, tmp_path / "build", "INPUT")
    whole = pack(tmp_path / "all.zip", {"train.csv": "0123456789" * 99}).read_bytes()
    (tmp_path / "all.zip").write_bytes(whole[:42] + b"\xff" * 6 + whole[48:])
    with pytest.raises(DataError, match="damaged, or was cut off"):
        unpacking.folder(tmp_path / "all.zip", NAMES, tmp_path / "build")
    assert not list((tmp_path / "build").iterdir())


def test_no_room_is_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 3}))
    with pytest.raises(FoldshipError, match="no room to unpack it"):
        unpacking.folder(pack(tmp_path / "all.zip"), NAMES, tmp_path / "build")
