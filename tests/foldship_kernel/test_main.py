"""The kernel's entry script: finding the bundle."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from foldship.shipping import entry

PLACES = [
    "slug",
    "slug/dataset",
    "datasets/owner/slug",
    "datasets/owner/slug/dataset",
    "competitions/slug",
    "competitions/slug/dataset",
]


@pytest.fixture
def template(root: Path) -> Path:
    return root / "kernels" / "main.py"


def load(
    template: Path, kernel: Path, code: Path, inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """The names of a kernel that is bound to `code`, with the main block left out."""
    kernel.mkdir()
    entry.write(kernel, template, entry.digest(template, code))
    monkeypatch.setenv("FOLDSHIP_INPUT", str(inputs))
    return runpy.run_path(str(kernel / "main.py"))


def put_bundle(folder: Path, code: str = "answer = 42\n") -> Path:
    (folder / "code" / "package").mkdir(parents=True)
    (folder / "code" / "package" / "__init__.py").write_text(code)
    (folder / "bundle.json").write_text("{}")
    return folder


@pytest.mark.parametrize("place", PLACES)
def test_the_bundle_is_found_at_every_mount_point(
    tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    folder = put_bundle(tmp_path / "input" / place)
    names = load(template, tmp_path / "kernel", folder / "code", tmp_path / "input", monkeypatch)
    assert names["find_bundle"]() == folder / "bundle.json"


def test_compiled_files_do_not_change_the_digest_but_names_do(tmp_path: Path, template: Path) -> None:
    code = put_bundle(tmp_path / "bundle") / "code"
    before = entry.digest(template, code)
    (code / "package" / "__pycache__").mkdir()
    (code / "package" / "__pycache__" / "x.pyc").write_bytes(b"0")
    assert entry.digest(template, code) == before
    (code / "package" / "__init__.py").rename(code / "package" / "other.py")
    assert entry.digest(template, code) != before


def test_the_bundle_of_another_kernel_is_refused(
    tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_bundle(tmp_path / "input" / "slug")
    other = put_bundle(tmp_path / "other", "answer = 43\n")
    names = load(template, tmp_path / "kernel", other / "code", tmp_path / "input", monkeypatch)
    with pytest.raises(SystemExit, match="belongs to another kernel"):
        names["find_bundle"]()


def test_where_it_must_not_look_nothing_is_found(
    tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlisted = put_bundle(tmp_path / "input" / "a")
    unread = put_bundle(tmp_path / "input" / "b")
    right = put_bundle(tmp_path / "input" / "c")
    names = load(template, tmp_path / "kernel", right / "code", tmp_path / "input", monkeypatch)
    is_file, read_bytes = Path.is_file, Path.read_bytes

    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", lambda path: (refuse if path.parent == unlisted else is_file)(path))
    monkeypatch.setattr(
        Path, "read_bytes", lambda path: (refuse if unread in path.parents else read_bytes)(path)
    )
    assert names["find_bundle"]() == right / "bundle.json"
    (right / "bundle.json").unlink()
    with pytest.raises(SystemExit, match="Permission denied"):
        names["find_bundle"]()


def test_it_is_a_few_kilobytes(template: Path) -> None:
    assert template.stat().st_size < 8000
