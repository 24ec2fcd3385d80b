from __future__ import annotations

import json

import pytest

from foldship.doctor import Level
from foldship.doctor.rules import credentials


@pytest.fixture
def kaggle_json(tmp_path, open_site, monkeypatch):
    """Credentials in a file."""
    site = open_site()
    path = tmp_path / "config" / "kaggle.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"username": site.owner, "key": site.key}))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(path.parent))
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY"):
        monkeypatch.delenv(name)
    # Read when the class is made, which another test may have caused.
    from kaggle.api.kaggle_api_extended import KaggleApi

    monkeypatch.setattr(KaggleApi, "config", str(path))
    return path


def test_variables_that_kaggle_takes(stage, open_site):
    open_site()
    stage.sign_in()
    found = stage.ask(credentials)
    assert found.level is Level.PASSED
    assert found.seen == "from KAGGLE_USERNAME and KAGGLE_KEY, taken by Kaggle"


@pytest.mark.parametrize(
    ("mode", "level"), [(0o600, Level.PASSED), (0o640, Level.FAILED), (0o604, Level.FAILED)]
)
def test_a_file_is_for_its_owner_alone(stage, kaggle_json, mode, level):
    kaggle_json.chmod(mode)
    stage.sign_in()
    found = stage.ask(credentials)
    assert found.level is level
    if level is Level.FAILED:
        assert f"mode 0{mode:o}" in found.seen
        assert found.remedy == f"run `chmod 600 {kaggle_json}`"


def test_a_key_that_kaggle_does_not_take(stage, open_site, monkeypatch):
    open_site()
    monkeypatch.setenv("KAGGLE_KEY", "another-made-up-key")
    stage.sign_in()
    found = stage.ask(credentials)
    assert found.level is Level.FAILED
    assert "401" in found.seen and "KAGGLE_USERNAME and KAGGLE_KEY" in found.seen
    assert "new token" in found.remedy
