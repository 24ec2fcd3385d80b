from __future__ import annotations

import pytest

from foldship.doctor import Level
from foldship.doctor.rules import internet_off

FILE = "kernel/kernel-metadata.json"


def test_written_out(stage):
    assert stage.ask(internet_off).level is Level.PASSED


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("enable_internet", True),
        ("enable_internet", "false"),
        ("enable_internet", 0),
        ("is_private", False),
        ("language", "r"),
        ("kernel_type", "notebook"),
    ],
)
def test_another_value(stage, key, value):
    stage.edit(FILE, lambda metadata: metadata.update({key: value}))
    found = stage.ask(internet_off)
    assert found.level is Level.FAILED
    assert f"{key} is {value!r}" in found.seen


@pytest.mark.parametrize("key", ["enable_internet", "is_private"])
def test_left_to_the_default(stage, key):
    stage.edit(FILE, lambda metadata: metadata.pop(key))
    found = stage.ask(internet_off)
    assert found.level is Level.FAILED
    assert f"{key} is not written out" in found.seen
