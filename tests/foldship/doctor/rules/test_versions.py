from __future__ import annotations

import platform
from importlib import metadata

import pytest

from foldship.doctor import Level
from foldship.doctor.rules import versions


def test_they_fit_together(stage):
    assert stage.ask(versions).level is Level.PASSED


@pytest.mark.parametrize(
    ("package", "found", "seen"),
    [
        ("kaggle", "2.2.5", "kaggle 2.2.5 instead of"),
        ("kaggle", None, "kaggle is missing"),
        ("six", None, "six is missing"),
    ],
)
def test_another_client(stage, monkeypatch, package, found, seen):
    real = metadata.version

    def version(name: str) -> str:
        if name != package:
            return real(name)
        if found is None:
            raise metadata.PackageNotFoundError(name)
        return found

    monkeypatch.setattr(metadata, "version", version)
    finding = stage.ask(versions)
    assert finding.level is Level.FAILED
    assert seen in finding.seen


def test_the_pinned_client_is_the_one_that_is_known(root):
    pins = (root / "requirements.lock").read_text().splitlines()
    assert f"kaggle=={versions.CLIENT}" in pins


def test_another_python(stage, monkeypatch):
    monkeypatch.setattr(platform, "python_version_tuple", lambda: ("3", "13", "1"))
    assert "Python 3.13 instead of 3.11 or 3.12" in stage.ask(versions).seen


def test_a_bundle_of_another_release(stage):
    stage.edit("dataset/bundle.json", lambda bundle: bundle["versions"].update(foldship="0.0.1"))
    found = stage.ask(versions)
    assert found.level is Level.FAILED
    assert "bundled by foldship 0.0.1" in found.seen


@pytest.mark.parametrize(("version", "level"), [("0.22.9", Level.PASSED), ("0.21.4", Level.WARNING)])
def test_tokenizers_of_another_series(stage, version, level):
    stage.edit("dataset/bundle.json", lambda bundle: bundle["versions"].update(tokenizers=version))
    assert stage.ask(versions).level is level
