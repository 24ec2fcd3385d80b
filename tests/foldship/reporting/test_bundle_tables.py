from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from foldship.reporting import bundle_tables
from foldship.reporting.tables import NOTHING


def load(build: Path, name: str) -> Any:
    return json.loads((build / name).read_text())


def test_sizes_are_summed_by_folder(build: Path) -> None:
    table = bundle_tables.sizes(load(build, "dataset/bundle.json"))
    assert table.rows == (("metadata", "1", "0.00"), ("models/", "2", "4.00"), ("all", "3", "4.00"))


def test_parts_are_counted_each_by_itself(build: Path) -> None:
    manifest = load(build, "dataset/bundle.json")
    manifest["files"][1]["part"] = 2
    table = bundle_tables.sizes({**manifest, "parts": {"bundle": "", "datasets": ["me/a", "me/a-2"]}})
    assert table.rows[-2:] == (("in me/a", "2", "1.00"), ("in me/a-2", "1", "3.00"))


def test_what_is_saved_leads_from_checkpoints_to_what_ships(build: Path) -> None:
    table = bundle_tables.weights(load(build, "dataset/bundle.json"))
    assert table.rows == (
        ("4 checkpoints in fp32", "16.00", "100%"),
        ("saved by fp16", "-8.00", "-50%"),
        ("saved by shared tensors", "-5.00", "-31%"),
        ("added for the CPU's own graph", "1.00", "6%"),
        ("what ships", "4.00", "25%"),
    )


def test_licences_stand_beside_what_they_are_of(build: Path) -> None:
    table = bundle_tables.licences(load(build, "dataset/bundle.json"))
    assert table.rows[0] == ("wheel", "some", "1.0", "MIT", "https://pypi.org/project/some/")
    assert table.rows[1] == ("weights", "one", NOTHING, "unknown", "a local folder")


def test_what_a_check_of_a_bundle_finds_wrong_is_alarming() -> None:
    found = [
        {"name": "parts", "passed": True, "seen": "all", "remedy": ""},
        {"name": "files", "passed": False, "seen": "one differs", "remedy": "upload it again"},
    ]
    table = bundle_tables.bundle_check(found)
    assert table.title == "The bundle: FAILED, 1 of 2" and table.alarming == {1}
    assert table.rows[1] == ("files", "FAILED", "one differs", "upload it again")
    assert bundle_tables.bundle_check(found[:1]).title == "The bundle: all checks passed"


def test_a_wheel_is_one_line_whichever_images_need_it() -> None:
    def entry(image: str, python: str, wheel: str, why: str) -> dict[str, Any]:
        return {"image": image, "python": python, "wheel": wheel, "size": 3 * 2**19, "why": why}

    entries = [
        entry("kaggle-cpu", "3.12", "engine.whl", "runs the models"),
        entry("local", "3.11", "needed.whl", "needed by engine"),
        entry("local", "3.12", "engine.whl", "runs the models"),
        entry("local", "3.12", "needed.whl", "needed by engine"),
    ]
    table = bundle_tables.wheelhouse(
        {"entries": entries, "proven": ["kaggle-cpu, Python 3.12", "local, Python 3.11"]}
    )
    assert table.rows == (
        ("engine.whl", "1.50", "kaggle-cpu (3.12), local (3.12)", "runs the models"),
        ("needed.whl", "1.50", "local (3.11, 3.12)", "needed by engine"),
    )
    assert "without a network" in table.caption and "kaggle-cpu, Python 3.12; local" in table.caption
    assert "not proven" in bundle_tables.wheelhouse({"entries": entries, "proven": []}).caption
