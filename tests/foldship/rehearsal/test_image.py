from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from foldship.rehearsal import image
from foldship_kernel.errors import FoldshipError


def test_packages_are_pinned():
    pins = [line for line in image.REQUIREMENTS.read_text().splitlines() if not line.startswith("#")]
    assert {pin.split("==")[0] for pin in pins} >= {"numpy", "pandas", "scipy", "tokenizers"}
    assert all("==" in pin for pin in pins)
    assert not {pin.split("==")[0] for pin in pins} & set(image.ABSENT)
    assert all("==" in pin for pin in image.PARQUET)


def test_a_made_environment_is_found_again(bare_image):
    cache, requirements = bare_image
    said: list[str] = []
    made = image.prepare(cache, requirements, said.append)
    assert said == []
    assert made.folder.name == "image-py{}{}".format(*made.interpreter.version)
    program = made.folder / "bin" / "python"
    code = "import sys, importlib.util as u; print(sys.version_info[:2], u.find_spec('numpy'))"
    answer = subprocess.run([program, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert answer == f"{made.interpreter.version} None\n"


def test_other_packages_make_another_environment(tmp_path):
    requirements = tmp_path / "some.txt"
    requirements.write_text("# one\n")
    folder = image.prepare(tmp_path / "cache", requirements).folder
    (folder / "mark").touch()
    requirements.write_text("# two\n")
    said: list[str] = []
    assert image.prepare(tmp_path / "cache", requirements, said.append).folder == folder
    assert not (folder / "mark").exists()
    assert json.loads((folder / "image.json").read_text())["requirements"] == "# two\n"
    assert len(said) == 1
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_further_packages_have_an_environment_of_their_own(tmp_path, monkeypatch):
    installed = []

    def install(interpreter, folder, requirements):
        folder.mkdir()
        installed.append(requirements.read_text())

    monkeypatch.setattr(image, "_install", install)
    (tmp_path / "some.txt").write_text("# one\n")
    plain = image.prepare(tmp_path / "cache", tmp_path / "some.txt").folder
    other = image.prepare(tmp_path / "cache", tmp_path / "some.txt", further=("pyarrow==1.0",)).folder
    assert other.name == f"{plain.name}-pyarrow" and plain.is_dir()
    assert installed == ["# one\n", "# one\n\npyarrow==1.0"]


def test_packages_that_cannot_be_had_leave_no_half_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    requirements = tmp_path / "some.txt"
    requirements.write_text("foldship-no-such-package==1.0\n")
    with pytest.raises(FoldshipError, match="foldship-no-such-package"):
        image.prepare(tmp_path / "cache", requirements)
    assert list((tmp_path / "cache").iterdir()) == []


def test_no_suitable_python(monkeypatch):
    monkeypatch.setattr(image, "_candidates", lambda: iter([Path("/no/such/python3.12")]))
    monkeypatch.setattr(image, "OLDEST", (3, 12))
    monkeypatch.setattr(image, "WANTED", (3, 99))
    monkeypatch.setattr(image.sys, "executable", "/no/such/python")
    with pytest.raises(FoldshipError, match=r"install Python 3\.12"):
        image.best_interpreter()
