from __future__ import annotations

from pathlib import Path

from foldship.pushing.record import FILE_NAME, Record


def test_what_was_noted_is_there_for_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "push" / FILE_NAME
    Record(path, "this bundle").put("kernel", {"version": 3})
    assert Record(path, "this bundle").get("kernel") == {"version": 3}
    assert Record(path, "this bundle").get("submission") == {}


def test_what_was_noted_of_another_bundle_is_forgotten(tmp_path: Path) -> None:
    Record(tmp_path / FILE_NAME, "this bundle").put("kernel", {"version": 3})
    assert Record(tmp_path / FILE_NAME, "another").get("kernel") == {}


def test_what_is_forgotten_is_gone_from_the_disk(tmp_path: Path) -> None:
    record = Record(tmp_path / FILE_NAME, "this bundle")
    record.put("kernel", {"version": 3})
    record.put("submission", {"ref": 1})
    record.forget("submission", "never there")
    again = Record(tmp_path / FILE_NAME, "this bundle")
    assert again.get("kernel") and not again.get("submission")


def test_a_broken_record_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("{")
    assert Record(tmp_path / FILE_NAME, "this bundle").get("kernel") == {}
