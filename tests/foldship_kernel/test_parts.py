from __future__ import annotations

import json
from pathlib import Path

import pytest

from foldship_kernel import parts
from foldship_kernel.parts import Parts

MANIFEST = {
    "files": [{"path": "tokenizers/a"}, {"path": "models/x/w", "part": 2}, {"path": "models/y/w", "part": 3}],
    "parts": {"bundle": "hash", "datasets": ["me/one", "me/one-2", "me/one-3"]},
}


@pytest.fixture
def divided() -> Parts:
    return Parts.from_dict(MANIFEST)


def part(folder: Path, label: object) -> Path:
    folder.mkdir(parents=True)
    (folder / parts.FILE_NAME).write_text(json.dumps(label))
    return folder


def test_a_manifest_that_tells_of_no_parts_is_of_one(tmp_path: Path) -> None:
    whole = Parts.from_dict({"files": [{"path": "models/x/w"}]})
    files = parts.find(whole, tmp_path / "bundle", tmp_path)
    assert files.path("models/x/w") == tmp_path / "bundle" / "models/x/w"
    assert files.missing == {} and files.remedy() == "" and not files.absent("models/x/w")


def test_every_file_is_in_its_part_wherever_that_is(divided: Parts, tmp_path: Path) -> None:
    third = part(tmp_path / "some" / "where", divided.label(3))
    second = part(tmp_path / "else", divided.label(2))
    files = parts.find(divided, tmp_path / "bundle", tmp_path)
    assert files.path("tokenizers/a") == tmp_path / "bundle" / "tokenizers/a"
    assert files.path("models/x/w") == second / "models/x/w"
    assert files.path("models/y/w") == third / "models/y/w"
    assert files.missing == {}


@pytest.mark.parametrize(
    "label",
    [
        {"format": 1, "bundle": "another", "part": 2},
        {"format": 1, "bundle": "hash", "part": 4},
        {"format": 2, "bundle": "hash", "part": 2},
        {"bundle": "hash"},
        ["hash", 2],
    ],
)
def test_a_part_of_another_build_is_none(divided: Parts, tmp_path: Path, label: object) -> None:
    stranger = part(tmp_path / "stranger", label)
    part(tmp_path / "third", divided.label(3))
    files = parts.find(divided, tmp_path / "bundle", tmp_path)
    assert files.missing == {2: "me/one-2"}
    assert files.absent("models/x/w") and not files.absent("models/y/w")
    assert not files.path("models/x/w").exists()
    assert "attach dataset me/one-2" in files.remedy() and str(stranger) in files.remedy()


def test_of_two_copies_the_first_is_taken(divided: Parts, tmp_path: Path) -> None:
    first, _ = part(tmp_path / "a", divided.label(2)), part(tmp_path / "b", divided.label(2))
    assert parts.find(divided, tmp_path / "bundle", tmp_path).folders[2] == first


def test_a_label_that_cannot_be_read_is_passed_over(divided: Parts, tmp_path: Path) -> None:
    (part(tmp_path / "a", None) / parts.FILE_NAME).write_text("{half")
    assert parts.find(divided, tmp_path / "bundle", tmp_path).strangers == ()


def test_a_file_in_a_part_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="none of the 1"):
        Parts.from_dict({**MANIFEST, "parts": {"bundle": "hash", "datasets": ["me/one"]}})


def test_a_built_bundles_parts_are_told_by_their_names(tmp_path: Path) -> None:
    for name in ("dataset", "dataset-2", "dataset-3", "dataset-old", "dataset-1", "another-2"):
        (tmp_path / name).mkdir()
    (tmp_path / "dataset-4").write_text("no folder")
    found = parts.built(tmp_path / "dataset")
    assert [path.name for path in found] == ["dataset", "dataset-2", "dataset-3"]
