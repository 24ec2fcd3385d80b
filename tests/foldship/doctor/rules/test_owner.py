from __future__ import annotations

import pytest

from foldship.doctor import Level
from foldship.doctor.rules import owner


def test_the_user_owns_all(stage, open_site):
    open_site()
    stage.sign_in()
    assert stage.ask(owner).level is Level.PASSED


@pytest.mark.parametrize("file", ["kernel/kernel-metadata.json", "dataset/dataset-metadata.json"])
@pytest.mark.parametrize(
    ("name", "seen"),
    [("INSERT_USERNAME", "has no owner yet"), ("another", "is another's, the user is someone")],
)
def test_another_owner(stage, open_site, file, name, seen):
    open_site()
    stage.sign_in()
    stage.edit(file, lambda value: value.update(id=value["id"].replace("someone", name)))
    found = stage.ask(owner)
    assert found.level is Level.FAILED
    assert seen in found.seen and "make bundle" in found.remedy
    assert "`owner: someone` in kernel.yaml" in found.remedy  # what to set, not only what is wrong
