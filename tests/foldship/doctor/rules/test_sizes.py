from __future__ import annotations

import shutil
from types import SimpleNamespace

import pytest

from foldship.doctor import Level
from foldship.doctor.rules import sizes


def test_there_is_room(stage):
    assert stage.ask(sizes).level is Level.PASSED


def test_a_dataset_that_is_too_large(stage):
    (size,) = stage.evidence.sizes
    stage.change(dataset_limit=size)
    assert stage.ask(sizes).level is Level.PASSED
    stage.change(dataset_limit=size - 1)
    found = stage.ask(sizes)
    assert found.level is Level.FAILED
    assert "dataset someone/tiny-bundle has" in found.seen


def test_more_than_all_private_datasets_may_have(stage, monkeypatch):
    monkeypatch.setattr(sizes, "PRIVATE_LIMIT", stage.evidence.sizes[0] - 1)
    assert "private datasets may have" in stage.ask(sizes).seen


@pytest.mark.parametrize(("size", "level"), [(999_999, Level.PASSED), (1_000_000, Level.FAILED)])
def test_a_script_that_is_too_large(stage, size, level):
    (stage.evidence.kernel / "main.py").write_bytes(b"#" * size)
    assert stage.ask(sizes).level is level


@pytest.mark.parametrize(("share", "level"), [(0.9, Level.FAILED), (1.5, Level.WARNING), (2.0, Level.PASSED)])
def test_room_on_this_disk(stage, monkeypatch, share, level):
    free = int(share * stage.evidence.sizes[0])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    assert stage.ask(sizes).level is level
