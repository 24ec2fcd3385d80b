from __future__ import annotations

import pytest
from kaggle_site import Dataset, Version

from foldship.doctor import Level
from foldship.doctor.rules import dataset_state

REF = "someone/tiny-bundle"


@pytest.mark.parametrize(
    ("version", "level", "seen"),
    [
        (None, Level.PASSED, f"{REF} is new"),
        (Version(3, {}, "", 0), Level.PASSED, f"{REF} is ready, version 3"),
        (Version(1, {}, "", None), Level.WARNING, "still being processed: NOT_YET_PERSISTED"),
        (Version(1, {}, "", 0, fate="FAILED"), Level.WARNING, f"a version of {REF}: FAILED"),
    ],
    ids=["new", "ready", "processing", "failed"],
)
def test_an_earlier_version(stage, open_site, version, level, seen):
    site = open_site()
    if version:
        site.datasets[REF] = Dataset(1, REF, "Tiny Bundle", True, "other", [version])
    stage.sign_in()
    found = stage.ask(dataset_state)
    assert found.level is level
    assert seen in found.seen
