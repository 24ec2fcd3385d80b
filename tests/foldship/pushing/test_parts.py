from __future__ import annotations

import hashlib
import shutil
import zipfile
from pathlib import Path

import pytest
import tiny_bundle

from foldship.pushing import parts
from foldship_kernel.errors import FoldshipError


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tiny_bundle.TinyBundle:
    return tiny_bundle.build(tmp_path_factory.mktemp("parts"))


@pytest.fixture
def dataset(built: tiny_bundle.TinyBundle, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built.dataset, tmp_path / "dataset"))


def test_everything_but_the_metadata_must_be_on_kaggle(dataset: Path) -> None:
    (part,) = parts.read([dataset])
    assert part.ref == "someone/tiny-bundle"
    assert set(part.files) == {
        path.relative_to(dataset).as_posix()
        for path in dataset.rglob("*")
        if path.is_file() and path.name != "dataset-metadata.json"
    }
    manifest = part.files["bundle.json"]
    content = (dataset / "bundle.json").read_bytes()
    assert (manifest.size, manifest.sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_a_file_that_changed_is_not_pushed(dataset: Path) -> None:
    changed = next(dataset.glob("models/tiny/*.onnx"))
    changed.write_bytes(changed.read_bytes() + b"x")
    with pytest.raises(FoldshipError, match=rf"changed since(.|\n)*{changed.name}(.|\n)*make bundle"):
        parts.read([dataset])


def test_a_file_that_is_gone_is_named(dataset: Path) -> None:
    next(dataset.glob("tokenizers/*/tokenizer.json")).unlink()
    with pytest.raises(FoldshipError, match=r"missing(.|\n)*tokenizer\.json"):
        parts.read([dataset])


def test_archives_unpack_to_the_bundle_and_are_the_same_each_time(dataset: Path, tmp_path: Path) -> None:
    (part,) = parts.read([dataset])
    staged = [parts.stage(part, tmp_path / name) for name in ("one", "two")]
    listings = [
        {path.name: (path.read_bytes(), path.stat().st_mtime) for path in folder.iterdir()}
        for folder in staged
    ]
    assert listings[0] == listings[1]
    for path in staged[0].iterdir():
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                archive.extractall(tmp_path / "unpacked" / path.stem)
        else:
            (tmp_path / "unpacked").mkdir(exist_ok=True)
            shutil.copyfile(path, tmp_path / "unpacked" / path.name)
    unpacked = tmp_path / "unpacked"
    for name, file in part.files.items():
        assert hashlib.sha256((unpacked / name).read_bytes()).hexdigest() == file.sha256
    assert sum(path.is_file() for path in unpacked.rglob("*")) == len(part.files)


def test_archives_that_are_there_are_kept_and_half_made_ones_are_not(dataset: Path, tmp_path: Path) -> None:
    (part,) = parts.read([dataset])
    staged = parts.stage(part, tmp_path / "upload")
    inode = (staged / "code.zip").stat().st_ino
    assert (parts.stage(part, tmp_path / "upload") / "code.zip").stat().st_ino == inode
    staged.with_suffix(".json").unlink()
    (staged / "code.zip").write_bytes(b"half")
    assert zipfile.is_zipfile(parts.stage(part, tmp_path / "upload") / "code.zip")


def test_another_build_is_uploaded_from_another_place(dataset: Path, tmp_path: Path) -> None:
    """The client resumes what has the same path, size and time, whatever it holds."""
    (part,) = parts.read([dataset])
    text = (dataset / "bundle.json").read_text()
    (dataset / "bundle.json").write_text(text.replace('"limit_s": 32400.0', '"limit_s": 32399.0'))
    (other,) = parts.read([dataset])
    assert part.size == other.size
    assert parts.stage(part, tmp_path) != parts.stage(other, tmp_path)
