from __future__ import annotations

import pytest

from foldship.doctor import Level
from foldship.doctor.rules import names

KERNEL, DATASET = "kernel/kernel-metadata.json", "dataset/dataset-metadata.json"


def test_as_kaggle_takes_them(stage):
    found = stage.ask(names)
    assert found.level is Level.PASSED
    assert "someone/tiny-kernel with someone/tiny-bundle, google-quest-challenge" in found.seen


@pytest.mark.parametrize(
    ("file", "change", "seen"),
    [
        (KERNEL, {"title": "Tiny"}, "'Tiny' has 4 characters"),
        (KERNEL, {"title": "T" * 51}, "has 51 characters"),
        (KERNEL, {"title": "Another Kernel"}, "Kaggle makes the name another-kernel of title"),
        (KERNEL, {"id": "so me/tiny-kernel"}, "'so me' is no Kaggle user name"),
        (KERNEL, {"id": "tiny-kernel"}, "not "),
        (DATASET, {"title": "Another Bundle"}, "not tiny-bundle"),
        (KERNEL, {"dataset_sources": []}, "asks for no dataset, the bundle is someone/tiny-bundle"),
        (KERNEL, {"dataset_sources": ["someone/other-bundle"]}, "asks for someone/other-bundle"),
        (KERNEL, {"competition_sources": []}, "0 competitions instead of one"),
    ],
)
def test_as_kaggle_does_not_take_them(stage, file, change, seen):
    stage.edit(file, lambda value: value.update(change))
    found = stage.ask(names)
    assert found.level is Level.FAILED
    assert seen in found.seen and "make bundle" in found.remedy


def test_an_owner_that_is_not_known_yet_is_the_matter_of_another_rule(stage):
    def nobody(value):
        value["id"] = value["id"].replace("someone", "INSERT_USERNAME")
        value["dataset_sources"] = ["INSERT_USERNAME/tiny-bundle"]

    for file in (KERNEL, DATASET):
        stage.edit(
            file,
            lambda value: (
                nobody(value)
                if "dataset_sources" in value
                else value.update(id="INSERT_USERNAME/tiny-bundle")
            ),
        )
    assert stage.ask(names).level is Level.PASSED


def test_two_competitions_of_one_name_are_worth_a_look(stage):
    """Titles that differ only by capitals or signs are one to Kaggle."""
    folder = stage.evidence.root / "kernels" / "other"
    folder.mkdir(parents=True)
    (folder / "kernel.yaml").write_text("title: TINY kernel!\ndataset_title: Another Bundle\n")
    found = stage.ask(names)
    assert found.level is Level.WARNING
    assert "kernels/other/kernel.yaml makes someone/tiny-kernel of its title, too" in found.seen
    (folder / "kernel.yaml").write_text("title: Other Kernel\ndataset_title: Another Bundle\n")
    assert stage.ask(names).level is Level.PASSED
