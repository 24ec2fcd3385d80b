from __future__ import annotations

import json
from pathlib import Path

import pytest

from foldship import secrets
from foldship.kaggle_client import credentials

KEY = "0123456789abcdef"


def test_without_any_there_are_none(tmp_path: Path) -> None:
    assert credentials.find({}, tmp_path) is None


def test_they_are_found_where_the_client_finds_them_and_in_its_order(tmp_path: Path) -> None:
    folder = tmp_path / ".kaggle"
    folder.mkdir()
    (folder / "credentials.json").write_text(json.dumps({"refresh_token": KEY, "username": "by-login"}))
    environment: dict[str, str] = {}
    found = credentials.find(environment, tmp_path)
    assert found and (found.username, found.secrets) == ("by-login", (KEY,))

    (folder / "kaggle.json").write_text(json.dumps({"username": "by-file", "key": KEY}))
    found = credentials.find(environment, tmp_path)
    assert found and found.username == "by-file" and found.source.endswith("kaggle.json")

    environment.update(KAGGLE_USERNAME="by-variable", KAGGLE_KEY="another-key")
    found = credentials.find(environment, tmp_path)
    assert found and (found.username, found.secrets) == ("by-variable", ("another-key",))

    (folder / "access_token").write_text("KGAT_of_a_file\n")
    found = credentials.find(environment, tmp_path)
    assert found and (found.username, found.secrets) == (None, ("KGAT_of_a_file",))

    environment["KAGGLE_API_TOKEN"] = "KGAT_of_a_variable"
    found = credentials.find(environment, tmp_path)
    assert found and found.secrets == ("KGAT_of_a_variable",)


def test_a_token_may_be_the_name_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("KGAT_within\n")
    found = credentials.find({"KAGGLE_API_TOKEN": str(tmp_path / "token")}, tmp_path)
    assert found and found.secrets == ("KGAT_within",)


def test_the_configured_folder_goes_first(tmp_path: Path) -> None:
    for name, folder in (("home", tmp_path / ".kaggle"), ("configured", tmp_path / "elsewhere")):
        folder.mkdir()
        (folder / "kaggle.json").write_text(json.dumps({"username": name, "key": KEY}))
    found = credentials.find({"KAGGLE_CONFIG_DIR": str(tmp_path / "elsewhere")}, tmp_path)
    assert found and found.username == "configured"


def test_a_broken_file_is_no_account(tmp_path: Path) -> None:
    (tmp_path / ".kaggle").mkdir()
    (tmp_path / ".kaggle" / "kaggle.json").write_text("{")
    assert credentials.find({}, tmp_path) is None


def test_secrets_are_neither_shown_nor_passed_on(tmp_path: Path) -> None:
    found = credentials.find({"KAGGLE_API_TOKEN": KEY}, tmp_path)
    assert KEY not in repr(found)
    assert KEY not in secrets.scrub(f"https://host/?key={KEY}")


@pytest.mark.parametrize("end", ["\n", "\r\n", " ", "\n\n\t"])
def test_white_space_around_is_no_part_of_them(tmp_path: Path, end: str) -> None:
    token = f"KGAT_{KEY}"
    found = credentials.find({"KAGGLE_API_TOKEN": f"{end}{token}{end}"}, tmp_path)
    assert found and (found.secrets, found.token, found.fault) == ((token,), token, "")
    found = credentials.find({"KAGGLE_USERNAME": f"me{end}", "KAGGLE_KEY": f"{KEY}{end}"}, tmp_path)
    assert found and (found.username, found.secrets, found.token) == ("me", (KEY,), None)
    assert credentials.find({"KAGGLE_API_TOKEN": end}, tmp_path) is None
    (tmp_path / ".kaggle").mkdir()
    (tmp_path / ".kaggle/kaggle.json").write_text(json.dumps({"username": f"me{end}", "key": KEY + end}))
    found = credentials.find({}, tmp_path)
    assert found and (found.username, found.secrets) == ("me", (KEY,))


@pytest.mark.parametrize("inner", ["\n", "\u201c", "\u00e9", "\x00", " "])
def test_what_no_token_has_is_told_by_its_place_alone(tmp_path: Path, inner: str) -> None:
    found = credentials.find({"KAGGLE_API_TOKEN": f"{KEY}{inner}{KEY}"}, tmp_path)
    assert found and f"character 17 of 33 is U+{ord(inner):04X}" in found.fault
    assert KEY not in found.fault


def test_a_token_longer_than_a_file_name_is_one(tmp_path: Path) -> None:
    found = credentials.find({"KAGGLE_API_TOKEN": KEY * 60}, tmp_path)
    assert found and found.token == KEY * 60


def test_secrets_of_all_places_are_learnt_and_variables_are_stripped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "_known", {})
    folder = tmp_path / ".kaggle"
    folder.mkdir()
    made_up = {name: f"made-up-{name}-0123456789" for name in ("one", "two", "three", "four", "five")}
    (folder / "kaggle.json").write_text(json.dumps({"username": "me", "key": made_up["one"]}))
    (folder / "access_token").write_text(made_up["two"] + "\n")
    (folder / "credentials.json").write_text(json.dumps({"refresh_token": made_up["three"]}))
    environment = {"KAGGLE_API_TOKEN": made_up["four"] + "\n", "KAGGLE_KEY": made_up["five"] + "\r\n"}
    credentials.learn(environment, tmp_path)
    assert environment == {"KAGGLE_API_TOKEN": made_up["four"], "KAGGLE_KEY": made_up["five"]}
    shown = secrets.scrub(" ".join(made_up.values()))
    assert not any(secret in shown for secret in made_up.values())


def test_the_file_that_holds_them_is_named(tmp_path: Path) -> None:
    folder = tmp_path / ".kaggle"
    folder.mkdir()
    for name, content in (
        ("credentials.json", json.dumps({"refresh_token": KEY})),
        ("kaggle.json", json.dumps({"username": "by-file", "key": KEY})),
        ("access_token", KEY),
    ):
        (folder / name).write_text(content)
        found = credentials.find({}, tmp_path)
        assert found and found.path == folder / name
    token = tmp_path / "token"
    token.write_text(KEY)
    found = credentials.find({"KAGGLE_API_TOKEN": str(token)}, tmp_path)
    assert found and (found.path, found.secrets) == (token, (KEY,))
    for environment in ({"KAGGLE_API_TOKEN": KEY}, {"KAGGLE_USERNAME": "by-variable", "KAGGLE_KEY": KEY}):
        found = credentials.find(environment, tmp_path / "empty")
        assert found and found.path is None
