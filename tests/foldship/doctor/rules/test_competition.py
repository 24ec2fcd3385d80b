from __future__ import annotations

import pytest

from foldship.doctor import Level
from foldship.doctor.rules import competition


@pytest.mark.parametrize(
    ("options", "level", "seen"),
    [
        ({}, Level.PASSED, "someone takes part in google-quest-challenge"),
        ({"entered": False}, Level.FAILED, "someone has not accepted the rules"),
        ({"competitions": {}}, Level.FAILED, "there is no competition google-quest-challenge"),
    ],
)
def test_the_user_takes_part(stage, open_site, options, level, seen):
    open_site(**options)
    stage.sign_in()
    found = stage.ask(competition)
    assert found.level is level
    assert seen in found.seen


def test_a_kernel_without_a_competition(stage, open_site):
    open_site()
    stage.sign_in()
    stage.edit("kernel/kernel-metadata.json", lambda value: value.update(competition_sources=[]))
    found = stage.ask(competition)
    assert (found.level, found.seen) == (Level.NOT_ASKED, "the kernel asks for no competition; see 'names'")
