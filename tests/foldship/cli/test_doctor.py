"""The doctor as people run it, and a push that it holds back."""

from __future__ import annotations

from pathlib import Path

import doctor_stage
import project
import push_stage
import pytest
from doctor_stage import DoctorStage
from kaggle_site import Site

from foldship.cli.account import owned
from foldship.shipping import settings

WIDE = {"COLUMNS": "400"}  # no cell is wrapped


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory):
    return doctor_stage.build(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def root(bundle, tmp_path: Path) -> Path:
    """A project with a bundle that was rehearsed."""
    root = project.create(tmp_path / "project", Path("none"))
    DoctorStage(bundle, root / "build" / "quest")
    return root


@pytest.fixture
def site(tmp_path: Path):
    (tmp_path / "files").mkdir()
    with Site(tmp_path / "site", competitions={push_stage.COMPETITION: tmp_path / "files"}) as site:
        yield site
    assert not site.escapes


def test_nothing_in_the_way(root, site):
    result = project.foldship(root, "doctor", environment={**site.environment, **WIDE})
    assert result.returncode == 0, result.stdout + result.stderr
    assert "nothing in the way" in result.stdout
    assert "from KAGGLE_USERNAME and KAGGLE_KEY, taken by Kaggle" in result.stdout
    assert "GPU quota" in result.stdout and "the kernel needs no GPU" in result.stdout
    assert "FAILED" not in result.stdout
    assert site.key not in result.stdout + result.stderr


@pytest.mark.parametrize("verb", ["doctor", "push"])
def test_without_credentials_nothing_else_is_asked_or_pushed(root, site, verb):
    environment = {**site.environment, **WIDE, "KAGGLE_USERNAME": "", "KAGGLE_KEY": ""}
    result = project.foldship(root, verb, environment=environment)
    assert result.returncode == 1
    assert "Before a push: FAILED, 1 of" in result.stdout
    assert "make a token on kaggle.com/settings" in result.stdout
    for place in (
        "KAGGLE_API_TOKEN",
        "~/.kaggle/access_token",
        "KAGGLE_KEY",
        "KAGGLE_CONFIG_DIR",
        "~/.config",
    ):
        assert place in result.stdout
    assert "no Kaggle credentials; see 'credentials'" in result.stdout
    assert "error: not ready for Kaggle (credentials)" in result.stderr
    assert "Traceback" not in result.stderr
    assert not site.calls


def test_a_push_stops_before_anything_is_uploaded(root, site):
    (root / "build" / "quest" / "simulation" / "verdict.json").unlink()
    result = project.foldship(root, "push", environment={**site.environment, **WIDE})
    assert result.returncode == 1
    assert "verdict.json is not there" in result.stdout
    assert {method for method, _ in site.calls}.isdisjoint({"StartBlobUpload", "CreateDataset", "SaveKernel"})
    assert site.key not in result.stdout + result.stderr


def by_token(site: Site, token: str) -> dict[str, str]:
    """What leads to the site with a token alone."""
    kept = {
        name: value
        for name, value in site.environment.items()
        if name not in ("KAGGLE_KEY", "KAGGLE_USERNAME")
    }
    return {**kept, **WIDE, "KAGGLE_API_TOKEN": token}


def test_a_token_with_a_line_end_is_taken_and_never_shown(root, site):
    result = project.foldship(root, "doctor", environment=by_token(site, f"{site.token}\n"))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "from KAGGLE_API_TOKEN, taken by Kaggle" in result.stdout
    assert site.token not in result.stdout + result.stderr


def test_a_spoilt_token_is_never_shown(root, site):
    result = project.foldship(root, "push", environment=by_token(site, f"{site.token}\n{site.token}"))
    assert result.returncode == 1
    assert "error: not ready for Kaggle (credentials)" in result.stderr
    assert site.token not in result.stdout + result.stderr and "Traceback" not in result.stderr


def test_kaggle_is_asked_whose_a_token_is(site, monkeypatch):
    push_stage.lead_to(site, monkeypatch)
    for name, value in by_token(site, site.token).items():
        monkeypatch.setenv(name, value)
    for name in ("KAGGLE_KEY", "KAGGLE_USERNAME"):
        monkeypatch.delenv(name)
    kernel = settings.KernelConfig(title="Some Title", dataset_title="Some Data", competition="some-where")
    assert owned(kernel).owner == site.owner
    assert owned(kernel.model_copy(update={"owner": "set"})).owner == "set"
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_of-nobody-at-all")
    assert owned(kernel).owner is None  # a line says what to set
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    assert owned(kernel).owner is None
